#!/bin/sh
# cluster.sh start FOLDER [CPUS] | stop FOLDER: a Slurm of one controller and one node on this machine, all of it in FOLDER, which must be
# new. For root; needs Debian's slurm-wlm and munge, no systemd and no cgroups. Its commands find it by SLURM_CONF=FOLDER/slurm.conf.
set -eu
export SLURM_CONF="$2/slurm.conf"

# ends PIDFILE: ends that process and waits until it is gone
ends() {
    [ -s "$1" ] || return 0
    pid=$(cat "$1")
    kill "$pid" 2>/dev/null || return 0
    for try in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.5; done
    kill -9 "$pid" 2>/dev/null || :
}

start() {
    folder=$1 cpus=${2:-2} host=$(hostname -s) port=$((20000 + $$ % 10000 * 2))
    mkdir "$folder" && chmod 755 "$folder" && cd "$folder"
    mkdir -m 700 munge state
    mkdir -m 755 spool socket
    (umask 077; head -c 128 /dev/urandom >munge/key)
    munged --key-file="$folder/munge/key" --socket="$folder/socket/munge" --pid-file="$folder/munge/pid" \
        --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" --num-threads=2
    # CPUs are those that we say, whatever the machine has. A requeued job waits for its old credential to end, by default 2 minutes.
    cat >slurm.conf <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/socket/munge,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1
ReturnToService=2
KillWait=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
    slurmctld
    slurmd
    for try in $(seq 60); do
        if sinfo --noheader --format=%T 2>/dev/null | grep -q '^idle$'; then return; fi
        sleep 0.5
    done
    echo "cluster.sh: no idle node after 30 s" >&2
    sinfo >&2 || :
    tail -n 5 slurmctld.log slurmd.log >&2 || :
    stop "$folder"
    exit 1
}

stop() {
    scancel --user=root >/dev/null 2>&1 || :
    ends "$1/slurmd.pid"
    ends "$1/slurmctld.pid"
    ends "$1/munge/pid"
}

"$@"
