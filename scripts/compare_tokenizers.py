#!/usr/bin/env python3
r"""Compares cril's token ids with those of the Hugging Face `tokenizers` library, string by string.

    compare_tokenizers.py PROGRAM MODEL.gguf TOKENIZER.json [-n 100000] [--seed 1] [--corpus FILE.jsonl.gz ...]

PROGRAM is tests/tokenize_lines.c, built as its first comment says. TOKENIZER.json is the same model's tokenizer, for
instance as transformers saves it from the GGUF file (pip: tokenizers transformers gguf). That loses SmolLM's
single digits, which --digits puts back, and mends Gemma's pieces of many spaces badly: texts with 32 spaces in a row or
a U+2581 differ there, and --skip "\u2581|[ ]{32}" leaves them out (they are counted). So are strings that cril refuses because
the vocabulary lacks a byte, which the oracle drops silently. Exits 1 if any other string differs, and prints the first.

Strings: ASCII, letters of many scripts, any assigned code point, bytes that are not UTF-8 (the oracle gets them with
errors="replace"), runs of blanks, digits, look-alikes of special tokens, and mixtures of all these.
"""
import argparse
import gzip
import json
import random
import re
import struct
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

from tokenizers import Tokenizer, pre_tokenizers

SCRIPTS = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF),
           (0x900, 0x97F), (0xE00, 0xE7F), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x2000, 0x206F), (0x2070, 0x218F),
           (0x2500, 0x27BF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFF00, 0xFFEF), (0x10400, 0x1044F),
           (0x1D400, 0x1D7FF), (0x1F300, 0x1F64F), (0x20000, 0x2A6DF)]
BLANKS = " " * 8 + "\t\n\r\v\f\x85\xa0\u1680\u180e\u2003\u2028\u2029\u202f\u205f\u3000\u200b\u2581\ufeff"
ASSIGNED = [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
WORDS = ("the of and in to 's 'S 'll 'RE 've 'd don't I'M it's def return self import for x = == != -> // ### ... --- "
         "http:// www. <b> </td> & @ # $ % {} [] () \" ' ` ~ | \\ \\n naïve café über 3.14 1,000 0x1F").split()


def piece(rng, specials):
    kind = rng.randrange(9)
    n = rng.randrange(1, 9)
    if kind == 0:
        return "".join(chr(rng.randrange(0x20, 0x7F)) for _ in range(n)).encode()
    if kind == 1:
        low, high = rng.choice(SCRIPTS)
        return "".join(chr(rng.randint(low, high)) for _ in range(n)).encode()
    if kind == 2:
        return "".join(chr(rng.choice(ASSIGNED)) for _ in range(n)).encode()
    if kind == 3:
        return bytes(rng.choice((rng.randrange(256), rng.randrange(0x80, 0x100))) for _ in range(n))
    if kind == 4:
        return (rng.choice(BLANKS) * n if rng.random() < 0.5 else "".join(rng.choice(BLANKS) for _ in range(n))).encode()
    if kind == 5:
        return "".join(rng.choice("0123456789") for _ in range(n)).encode()
    if kind == 6:
        text = rng.choice(specials) if specials else "<s>"
        return (text if rng.random() < 0.7 else text[:rng.randrange(len(text) + 1)]).encode()
    return " ".join(rng.choice(WORDS) for _ in range(n)).encode()


def corpus_strings(path):
    with gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8") as f:
        for line in f:
            record = json.loads(line)
            yield (record.get("content") or record["text"]).encode("utf-8", "surrogatepass")


def cril_ids(program, model, strings):
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        source.write_bytes(b"".join(struct.pack("=I", len(s)) + s for s in strings))
        subprocess.run([program, model, source, target], check=True)
        data, at, out = target.read_bytes(), 0, []
    for _ in strings:
        n, = struct.unpack_from("=I", data, at)
        refused = n == 0xFFFFFFFF
        n = 0 if refused else n
        out.append(None if refused else list(struct.unpack_from(f"={n}i", data, at + 4)))
        at += 4 + 4 * n
    return out


def oracle(path, digits):
    tok = Tokenizer.from_file(path)
    if digits:
        tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                     pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tok.encode_special_tokens = True  # a look-alike of a control token is text
    return tok


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("program")
    arg.add_argument("model")
    arg.add_argument("tokenizer")
    arg.add_argument("-n", type=int, default=100000, help="random strings (100000)")
    arg.add_argument("--seed", type=int, default=1)
    arg.add_argument("--corpus", nargs="*", default=[])
    arg.add_argument("--digits", action="store_true", help="the pre-tokenizer takes digits one by one first")
    arg.add_argument("--skip", help="expression; strings in which it matches are left out")
    a = arg.parse_args()
    tok, rng = oracle(a.tokenizer, a.digits), random.Random(a.seed)
    specials = [t.content for t in tok.get_added_tokens_decoder().values()]
    texts = {"random": [b"".join(piece(rng, specials) for _ in range(rng.randrange(1, 9))) for _ in range(a.n)]}
    texts.update((path, list(corpus_strings(path))) for path in a.corpus)
    failed = False
    for name, strings in texts.items():
        n_different = n_ids = n_refused = 0
        n_all = len(strings)
        if a.skip:
            strings = [s for s in strings if not re.search(a.skip, s.decode("utf-8", "replace"))]
        for at in range(0, len(strings), 20000):
            part = strings[at:at + 20000]
            mine = cril_ids(a.program, a.model, part)
            theirs = tok.encode_batch([s.decode("utf-8", "replace") for s in part], add_special_tokens=False)
            for s, ids, other in zip(part, mine, theirs):
                if ids is None:
                    n_refused += 1
                    continue
                n_ids += len(ids)
                if ids != other.ids:
                    n_different += 1
                    if n_different <= 5:
                        k = next((i for i, (x, y) in enumerate(zip(ids, other.ids)) if x != y), min(len(ids), len(other.ids)))
                        print(f"  {s[:200]!r}\n    from id {k}: cril {ids[k:k + 8]}, oracle {other.ids[k:k + 8]} "
                              f"{other.tokens[k:k + 8]}")
        print(f"{name}: {n_all} strings, {n_all - len(strings)} skipped, {n_refused} refused, {n_ids} ids, "
              f"{n_different} different", flush=True)
        failed = failed or n_different > 0
    sys.exit(failed)


main()
