# n bytes of words that the tiny models have long tokens for, and so compress, in lines: the same on every machine.
BEGIN {
    split("the there fing aing on ring the then ton area the fining", word, " ")
    for (x = 1; length(text) < n; x = x * 16807 % 2147483647)
        text = text (x % 17 == 0 ? "\n" : x % 101 == 0 ? " \303\251" : " " word[x % 12 + 1])
    printf "%s", substr(text, 1, n)
}
