# wait_until COMMAND...: tries it every 50 ms until it succeeds; fails after a minute by the clock, however slow the machine.
wait_until() {
    end=$(($(date +%s) + 60))
    until "$@"; do
        [ "$(date +%s)" -lt $end ] || return 1
        sleep 0.05
    done
}
