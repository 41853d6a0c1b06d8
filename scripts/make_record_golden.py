#!/usr/bin/env python3
"""Writes tests/golden/records.jsonl, and records-filled.jsonl: the texts that OpenCompass scores for them.

Its safe_format (opencompass/utils/prompt.py) fills the template "{content}" key after key: so the text itself is searched for
the keys that follow it in the record. Python's own json and str() are the oracle. Needs no package.

    python3 scripts/make_record_golden.py tests/golden
"""
import json
import random
import sys

rng = random.Random(20)
texts = ["a", "", "don't", 'say "x"', "both ' and \"", "tab\t, line\n, \\ and \r", "\x00\x1f\x7f\x80\xa0\xad",
         "caf\u00e9 \u6771\u4eac \U0001f600", "\u2028\u200b\ufeff\ue000\U000e0001\U0010ffff", "{subset} {n}", "{", "}"]
floats = [0.0, -0.0, 1.0, -1.5, 0.1, 1e-4, 9.9e-5, 1e-5, 123456789012345680.0, 1e15, 1e16, 1.5e16, 1e22, 1e-300, 5e-324,
          1.7976931348623157e308, 2.5, 100.0, 1234.5678, 0.00012345, 1 / 3, 9007199254740993.0, -2.5e-7]
numbers = [0, 1, -7, 2**53 + 1, 2**63 - 1, -2**63]
alone = [None, True, False]


def value(depth):
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind < 2:
        return rng.choice(texts)
    if kind == 2:
        return rng.choice(floats)
    if kind == 3:
        return rng.choice(numbers)
    if kind == 4:
        return rng.choice(alone)
    if kind == 5:
        return [value(depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(["k", "it's", "a b", "\u00e9", '"', ""]): value(depth + 1) for _ in range(rng.randrange(4))}


def filled(record):
    text = "{content}"
    for key, v in record.items():
        text = text.replace("{%s}" % key, str(v))
    return text


def records():
    for v in texts + floats + numbers + alone:
        yield '{"before": 1, "content": "<{meta}|{before}|{content}|{{meta}}|{none}>{meta", "meta": %s}' % json.dumps(v)
    for _ in range(40):
        r = {"content": "{meta}{subset} {content} {n}{meta.k} f'{meta}' {it's} {}", "subset": value(2), "meta": value(0),
             "n": value(1), "it's": "{n}", "": "empty key"}
        yield json.dumps(r, ensure_ascii=rng.random() < 0.5)
    yield '{"meta": "first", "content": "{meta}", "meta": "last of equal keys, before"}'
    yield '{"content": "{meta}", "meta": 1.50, "x": 2, "meta": 1E+2}'
    yield '{"content": "first {x}", "x": 1, "content": "last {x}"}'
    yield '{"content": "no braces", "meta": 123456789012345678901234567890}'


with open(sys.argv[1] + "/records.jsonl", "w") as given, open(sys.argv[1] + "/records-filled.jsonl", "w") as want:
    for line in records():
        given.write(line + "\n")
        want.write(json.dumps({"content": filled(json.loads(line))}) + "\n")
