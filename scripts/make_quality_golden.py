#!/usr/bin/env python3
"""Writes tests/golden/quality.jsonl: texts, and what datatrove makes of them; and personal.jsonl: random texts with and without
personal data.

A line has the text; its words as spaCy's rules for English cut them; why Gopher's two sets of rules and C4's drop the document, null
if they keep it; C4's text where it is another one; the text without personal data; XXH64 of the 14 bands' keys, each XXH64 of the
band's hashes, null where there are fewer than 5 words. The texts are made here, most of them to lie at one
rule's bound. Needs datatrove 0.10 and spaCy 3.8.

    python3 scripts/make_quality_golden.py tests/golden
"""
import json
import random
import struct
import sys
import tempfile

import numpy as np
import xxhash
from datatrove.data import Document
from datatrove.pipeline.dedup.minhash import MinhashDedupSignature
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.utils.text import split_into_words

rng = random.Random(23)
NOUNS = "river table engine window garden teacher market signal bridge letter winter machine forest doctor music number".split()
VERBS = "carries follows measures opens paints repairs reaches studies watches builds sells finds".split()
ADJECTIVES = "quiet narrow heavy early simple bright distant careful round broken modern".split()


def sentence():
    a, b, c = rng.sample(NOUNS, 3)
    return "The %s %s %s the %s of %s, and that %s has to be %s with %d." % (
        rng.choice(ADJECTIVES), a, rng.choice(VERBS), b, rng.choice(NOUNS) + "s", c, rng.choice(ADJECTIVES), rng.randrange(1000))


def prose(n, between=" "):
    return between.join(sentence() for _ in range(n))


def lines(n, end="\n"):
    return prose(n, end)


def reason(rules, text):
    document = Document(text=text, id="")
    verdict = rules.filter(document)
    return (None if verdict is True else verdict[1]), document.text


minhash = MinhashDedupSignature(tempfile.mkdtemp())
minhash._hash_func = lambda ngram: xxhash.xxh64_intdigest(ngram.encode())  # as xxhash before 4.0 took text


def keys(text):
    shingles = minhash.get_shingles(text)
    if not shingles.size:
        return None
    with np.errstate(over="ignore"):
        bands = minhash.get_signature(shingles)
    each = [xxhash.xxh64_intdigest(struct.pack("<8Q", *band)) for band in bands]
    return xxhash.xxh64_hexdigest(struct.pack("<14Q", *each))


quality, repetition, c4 = GopherQualityFilter(), GopherRepetitionFilter(), C4QualityFilter()

base = prose(8)
texts = ["", " ", "a", "...", "\n\n\n", base, lines(12), lines(12, "\n\n"), lines(6) + "\n" + lines(6, "\r\n")]
# Gopher's words: counts at both sides of 50, long and short words, marks.
texts += [" ".join(("of the word that " * 20).split()[:n]) for n in (48, 49, 50, 51)]
texts += [base + " " + " ".join(["#"] * n) for n in (5, 12, 13, 14, 30)]
texts += [base + " " + " ".join(["so..."] * n) for n in (5, 12, 13, 14, 20)] + [base + "…" * 20, base + "." * 44]
texts += ["the of " + " ".join("abcdefghijklm"[:n] + "nopq"[i % 4] for i in range(60)) for n in (1, 2, 3, 8, 9, 10, 11)]
texts += [prose(4) + " " + " ".join("%d" % (i * 7919) for i in range(n)) for n in (2, 6, 10, 14, 18, 40)]
texts += ["\n".join(mark + sentence() for _ in range(9)) + "\n" + sentence() for mark in ("- ", "• ", " -", "* ")]
texts += ["\n".join("-" + sentence() for _ in range(n)) for n in (9, 12)]
texts += ["\n".join(sentence() + (end if i % 10 < n else "") for i in range(10)) for n in (3, 4) for end in ("..", "…", ".. ")]
texts += [" ".join("apple pear plum cherry grape melon lemon".split()[i % 7] + "tree"[: i % 5] for i in range(80)) + extra
          for extra in ("", " the", " the of", " The Of", " the the", " with have")]
texts += [" ".join(("abcdefghij"[i % 10:] + "klmnopqrstuvwxyz")[:10] for i in range(60))]  # a mean length of 10
# What repeats: paragraphs, lines, words.
for unit in ("\n", "\n\n"):
    for again in (2, 3, 4, 5, 6):
        few = [sentence() for _ in range(10)]
        texts.append(unit.join(few + few[:again]))
        texts.append(unit.join(few + ["short"] * again))
        texts.append(unit.join(few + [prose(4)] * 2)[: 4000])
for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12):
    words = [rng.choice(NOUNS) + rng.choice(ADJECTIVES) for _ in range(n)]
    for again in (2, 4, 8):
        texts.append(prose(8) + " " + " ".join((" ".join(words) + " " + rng.choice(VERBS) + str(i)) for i in range(again)))
texts += ["ab ab ab", "one two", "one two three four five six", " ".join(["same"] * 200)]
# Repeated runs of n words between words that never come again, until each rule of n words was the first to drop one.
count = 0


def fresh(n):
    global count
    count += n
    return ["".join(chr(97 + i // 26 ** k % 26) for k in range(4)) for i in range(count - n, count)]


for n in range(5, 11):
    wanted = 5
    for _ in range(4000):
        again = [fresh(n) for _ in range(rng.randrange(1, 3))]
        words = fresh(rng.randrange(20, 70))
        for run in again * 2:
            words += run + fresh(rng.randrange(1, 9))
        text = " ".join(words)
        if reason(repetition, text)[0] == "duplicated_%d_n_grams" % n:
            texts.append(text)
            wanted -= 1
            if not wanted:
                break
# C4's lines.
good = [sentence() for _ in range(6)]
for odd in ("no end here", "Two words.", "One.", "It ends so...", 'He said "yes"', "A brace { is code.", "Lorem Ipsum is no text at all.",
            "Please enable JavaScript to see it.", "Read our Privacy Policy before you go.", "We use cookies, as you know.", "We use cookie jars every day.",
            "A claim.[12] It has sources.[3][edit]", "A claim needs a source.[citation needed]", "x" * 1001 + " is long indeed.",
            "x" * 1000 + " is long indeed.", "lorem ipsum without end", "a { without end", "[1] [2] [3].", "What? No! Yes. (Or not.) Well."):
    texts.append("\n".join(good[:3] + [odd] + good[3:]))
    texts.append("\n".join([odd] + good[:4]))
texts += ["\n".join('He said "%s"' % line for line in good[:n]) for n in (3, 4, 5)]
texts += ["\n".join(good[:n]) for n in (3, 4, 5)] + ["  " + "\n\n  ".join(good) + "  \n", prose(5), prose(4)]
# Personal data.
texts += ["Write to jane.doe+list@mail.example.co.uk, or <o'neil@host.org>; not @handle, a@b, x@y.z.", "one@a.com two@a.com three@a.com",
          "8.8.8.8 1.1.1.1 9.9.9.9 8.8.4.4 4.4.4.4 5.5.5.5 6.6.6.6 7.7.7.7", "10.0.0.1 127.0.0.1 192.168.1.1 172.16.0.1 172.32.0.1 0.0.0.0",
          "100.64.0.1 100.128.0.1 169.254.1.1 198.18.0.1 198.20.0.1 192.0.2.1 198.51.100.7 203.0.113.9 203.0.113.200 198.51.100.200 192.0.2.200 198.19.255.1 203.0.114.9 224.0.0.1 240.0.0.1",
          "255.255.255.255 256.1.1.1 1.2.3 1.2.3.4.5.6.7.8 01.2.3.4 999.8.8.8.8 v8.8.8.8x 192.0.0.9 192.0.0.10 192.0.0.1 192.88.99.1",
          "me@[8.8.8.8] a..b@c.com .a@b.com a.@b.com ab-@-c.com a@b-.com a@b.c-d.e- é@b.com aé@b.com x@a_b.com a@b.com.", "@@a@b.c@d.e@f.g",
          "a@b..com a@b.com@c.com (a@b.com) 'a@b.com' #a@b.com $x$@b.com {a}@b.com a@1.2.3.4 a@b.c.d.e.f9-9"]
# Words.
texts += ["He left the EU. NATO. USA. Or +alpha, not U.S. or A.", "In 5,a or 7.b; 12.5.6 and \u0663\u066b\u0665 of 1,234,567 \u00c5ngstr\u00f6m \u0130stanbul \ud55c\uae00 na\u00efve",
          "Mr. Smith can't, won't and doesn't; it's Jane's \"idea\" (really).", "We'll go, they've gone, I'm here, you're not: he'd say so.",
          "The U.S. and the E.U., i.e. both, e.g. in Sept. of 1999.", "A well-known mother-in-law -- state-of-the-art --- and 3-4 or 10-year plans.",
          "It costs $5.00, 5%, 20km or 5 km; £3 and €4.", "See http://www.example.com/a-b?c=d or www.site.org, mail a@b.com.", "One... two... Three?! \"Four.\" 'Five'",
          "and/or either/or he:she a=b x<y 1+2 3*4 end.Next lower.lower", "cannot gonna gotta let’s that’s “quoted” ‘single’ don’t", "[1] {2} <x> #tag @user *bold* _under_ ~tilde 50+ +7 C++",
          "naïve café — dash – en…ellipsis", "a. b. I. X. Dr. No. etc. Inc. Co.", "tabs\there\u00a0nbsp\u3000wide"]

with open(sys.argv[1] + "/quality.jsonl", "w") as out:
    for text in texts:
        c4_reason, c4_text = reason(c4, text)
        record = {"text": text, "words": split_into_words(text) if len(text) < 120 else None,
                  "gopher_quality": reason(quality, text)[0],
                  "gopher_repetition": reason(repetition, text)[0] if text else None,
                  "c4": c4_reason, "c4_text": None if c4_reason or c4_text == text else c4_text, "personal": PIIFormatter().format(text),
                  "minhash": keys(text)}
        out.write(json.dumps(record) + "\n")
with open(sys.argv[1] + "/personal.jsonl", "w") as out:
    parts = list("ab1.@@.-_[]#\u00e9: \u00b2") + ["a@b.c", ".com", "8.8.8.8", "25", "6.", "1.2.3.", "@x.y", "@[1.2.3.", "]", ":]", "0.", "..", "192."]
    for _ in range(500):
        text = "".join(rng.choice(parts) for _ in range(rng.randrange(2, 14)))
        out.write(json.dumps([text, PIIFormatter().format(text)]) + "\n")
