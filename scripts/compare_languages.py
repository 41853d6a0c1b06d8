#!/usr/bin/env python3
"""compare_languages.py CRIL NAME LANGUAGE FILE...: how often `cril corpus web --language LANGUAGE` tells the language of texts.

FILE: JSON Lines with "content", or fortunes, texts with a line "%" between (Debian's fortunes-de and others). Texts are cut to
100, 200, 500 characters at a blank, and taken whole (10,000); those that are shorter do not count. Prints a row of doc/corpora.md.
"""
import gzip
import json
import os
import subprocess
import sys
import tempfile

cril, name, language, *files = sys.argv[1:]
OFF = "gopher_quality,gopher_repetition,paragraphs,near_duplicates,personal"


def read(path):
    if ".jsonl" in path:
        with (gzip.open(path, "rt") if path.endswith(".gz") else open(path)) as f:
            return [json.loads(line)["content"] for line in f]
    with open(path, encoding="utf-8") as f:
        return [" ".join(t.split()) for t in f.read().split("\n%\n")]


def run(texts):
    with tempfile.TemporaryDirectory() as d:
        with open(f"{d}/a.warc.wet", "wb") as f:
            for i, text in enumerate(texts):
                block = text.encode()
                f.write(f"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:{i}>\r\nContent-Type: text/plain\r\n"
                        f"Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n")
        subprocess.run([cril, "corpus", "web", f"{d}/a.warc.wet", "-q", "--without", OFF, "--language", language, "-o", f"{d}/a.jsonl"],
                       stderr=subprocess.DEVNULL)
        if not os.path.exists(f"{d}/a.card.json"):
            return 0, 0
        step = next(s for s in json.load(open(f"{d}/a.card.json"))["steps"] if s["name"] == "language")
        return step["out"], step["reasons"]["unknown_language"]


texts = [t for f in files for t in read(f)]
cells = []
for n in (100, 200, 500, 10000):
    cut = [t[:n].rsplit(None, 1)[0] if len(t) > n else t for t in texts if len(t) >= min(n, 500)]
    if len(cut) < 20:
        cells.append("")
        continue
    right, unknown = run(cut)
    cells.append(f"{100 * right / len(cut):.1f} % of {len(cut):,}" + (f" ({unknown} unknown)" if unknown else ""))
print(f"| {name} | {language} | " + " | ".join(cells) + " |")
