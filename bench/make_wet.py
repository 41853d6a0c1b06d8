#!/usr/bin/env python3
"""make_wet.py CORPUS MEGABYTES [SEED] > FILE: a WET file (WARC 1.0) of so many megabytes, for speed and memory.

CORPUS: JSON Lines with "content", English prose. Pages are made of its sentences, drawn at random: 55 % are articles of
unique paragraphs under a menu that pages of a site share, 15 % repeat an earlier page but for some words, 15 % are lists of
short lines, 15 % are articles whose letters are shifted, as pages in a language that no rule for English fits.
The same arguments give the same bytes.
"""
import gzip
import json
import random
import re
import sys

corpus, size = sys.argv[1], int(float(sys.argv[2]) * 1e6)
rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
with (gzip.open(corpus, "rt") if corpus.endswith(".gz") else open(corpus)) as f:
    texts = [json.loads(line)["content"] for line in f]
sentences = [s for t in texts for s in re.split(r"(?<=[.!?])\s+", t) if 40 < len(s) < 400 and "\n" not in s]
# Few marks: Gopher's rule on words without letters counts marks, and would drop most articles.
sentences = [s for s in sentences if len(re.findall(r"[^\w\s]", s)) < 0.1 * len(s.split())]
words = sorted({w for s in sentences for w in s.split()})
menus = [" | ".join(rng.sample(words, 8)) + "\nHome\nContact\nPrivacy policy\n" for _ in range(500)]
shifted = str.maketrans("abcdefghijklmnopqrstuvwxyz", "bcdefghijklmnopqrstuvwxyza")


def article():
    return "\n".join(" ".join(rng.choices(sentences, k=rng.randint(2, 8))) for _ in range(max(1, int(rng.lognormvariate(1.6, 0.8)))))


def page(earlier):
    kind = rng.random()
    if kind < 0.55 or not earlier:
        return rng.choice(menus) + article()
    if kind < 0.70:
        old = rng.choice(earlier).split(" ")
        for _ in range(len(old) // 60):
            old[rng.randrange(len(old))] = rng.choice(words)
        return " ".join(old)
    if kind < 0.85:
        return "\n".join(" ".join(rng.choices(words, k=rng.randint(1, 4))) for _ in range(rng.randint(20, 200)))
    return article().translate(shifted)


out = sys.stdout.buffer
written = out.write(b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Date: 2026-06-01T00:00:00Z\r\nContent-Length: 0\r\n\r\n\r\n\r\n")
earlier, n = [], 0
while written < size:
    text = page(earlier)
    if len(earlier) < 2000:
        earlier.append(text)
    else:
        earlier[rng.randrange(2000)] = text
    block = text.encode()
    n += 1
    head = (f"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: https://site{n % 500}.example/{n}\r\n"
            f"WARC-Date: 2026-{1 + n % 9:02}-{1 + n % 28:02}T12:00:00Z\r\nWARC-Record-ID: <urn:uuid:{n:032x}>\r\n"
            f"Content-Type: text/plain\r\nContent-Length: {len(block)}\r\n\r\n")
    written += out.write(head.encode()) + out.write(block) + out.write(b"\r\n\r\n")
