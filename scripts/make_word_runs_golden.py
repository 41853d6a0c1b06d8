#!/usr/bin/env python3
"""Writes tests/golden/word_runs.txt: runs of words as lm-evaluation-harness' decontamination makes them (lm_eval 0.4.13,
lm_eval/decontamination/janitor.py), of texts with a seed: words, punctuation, white space of every kind, letters beyond ASCII.

    pip install lm_eval==0.4.13
    scripts/make_word_runs_golden.py | grep -v ^WARNING > tests/golden/word_runs.txt

For each text a line "n runs hex-of-UTF-8" ("-": empty), then its runs, a line each, words parted by one blank.
"""
import random

from lm_eval.decontamination.janitor import Janitor, word_ngrams

PARTS = ["the", "The", "A", "b2", "x-y", "don't", "...", "--", "é", "ÄÖ", "日本語", "naïve", "3.14", "e.g.", "(see", "below)", "`code`",
         "a_b", "_", "~", "straße", "\U0001f600", "İ", "ﬁn", "\u00ad", "\u200b", "co\u0301te", "\x7f", "\x01z"]
SPACES = [" ", " ", " ", "  ", "\t", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\u00a0", "\u1680", "\u2003", "\u2028", "\u202f", "\u205f",
          "\u3000"]


def main():
    draw = random.Random(20261201)
    janitor = Janitor()  # which says on standard output that it runs without its C++ module
    for i in range(120):
        n = draw.choice([1, 2, 3, 5, 13])
        text = "".join(draw.choice(SPACES if draw.random() < 0.5 else PARTS) for _ in range(draw.randrange(0, 60)))
        runs = list(word_ngrams(janitor.normalize_string(text), n))
        print(n, len(runs), text.encode().hex() or "-")
        for run in runs:
            print(run)


main()
