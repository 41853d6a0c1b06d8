# Small data of two benchmarks, made of words that the tiny models know: awk -v dir=DIR -v n=ITEMS -f benchmarks.awk.
# Files are named and laid out as they are published.
function pick(m) { x = x * 16807 % 2147483647; return x % m }
function words(k,   s, i) { s = ""; for (i = 0; i < k; i++) s = s (i ? " " : "") word[pick(n_words) + 1]; return s }
function arc(name, k, file, i, j, s) {
    for (i = 0; i < k; i++) {
        s = ""
        for (j = 0; j < 4; j++)
            s = s (j ? "," : "") "{\"text\":\"" words(1 + pick(3)) "\",\"label\":\"" substr("ABCD", j + 1, 1) "\"}"
        printf "{\"id\":\"%s%d\",\"question\":{\"stem\":\"%s?\",\"choices\":[%s]},\"answerKey\":\"%s\"}\n", name, i, words(4 + pick(6)), s, substr("ABCD", pick(4) + 1, 1) >file
    }
}
function gsm(k, file, i, a, b) {
    for (i = 0; i < k; i++) {
        a = pick(9) + 1; b = pick(9) + 1
        printf "{\"question\":\"%s %d and %d?\",\"answer\":\"%s <<%d+%d=%d>>%d.\\n#### %d\"}\n", words(3), a, b, words(2), a, b, a + b, a + b, a + b >file
    }
}
BEGIN {
    n_words = split("the there fing aing on ring the then ton area the fining", word, " ")
    x = 7
    arc("t", n, dir "/arc_challenge/ARC-Challenge-Test.jsonl")
    arc("s", 40, dir "/arc_challenge/ARC-Challenge-Train.jsonl")
    gsm(n, dir "/gsm8k/test.jsonl")
    gsm(30, dir "/gsm8k/train.jsonl")
}
