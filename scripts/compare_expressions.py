#!/usr/bin/env python3
r"""Compares how cril cuts texts into words with how the library `tokenizers` does, one pre-tokenizer or normaliser after another.

    compare_expressions.py PROGRAM [-n 2000] [--seed 1]

PROGRAM is tests/tokenize_lines.c, built as its first comment says. pip: tokenizers safetensors numpy

Each pre-tokenizer becomes a folder whose model knows no character but the letter x, so that a word becomes a run of x and one
unknown token for each run of others: ids show where the words end, as far as a count can. Each normaliser gets a model of bytes, whose ids show
the text. Strings are short and made of what the expressions tell apart. Exits 1 if a string differs, and prints the first few."""
import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import unicodedata

import numpy
from safetensors.numpy import save_file
from tokenizers import Tokenizer

GPT4O = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
         r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
PUBLISHED = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r" ?[^(\s|[.,!?…。，、।۔،])]+", r"\s?\p{L}+", r"\s?\p{P}+", r"\s+$", "[一-龥ࠀ-一가-퟿]+", "[\r\n]", r"\p{N}{1,3}", "[0-9][0-9][0-9]", r"[一-龥぀-ゟ゠-ヿ]+",
    r"\s?[!-/:-~！-／：-～‘-‟　-。]+", GPT4O,
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
]
DIALECT = [
    r"\w+|\W", r"\bx", r"x\b", r"\Bx", r"[\w-]+", r"[^\w\s]+", r"\h+", r"\H+", r"[\h ]+", r"\d+", r"\D+", r"[\D]", r"\S+", r"[\S\n]+", r"[^\S\n]+", r"[^\S]+", r"\v", r"[\v]+",
    r"^x", r"x$", r"^\s*", r"\s*$", r"\Ax", r"x\z", r"x\Z", r"x*", r"x*?", r"x{2}+", r"x{2}?", r"x{1,2}+", r"x{1,2}?", r"x{,2}", r"x{2,}", r"(?:xa){2}+", r"x{,", r"{x", r"x{a}",
    r"[a-z&&[^x]]+", r"[a-z&&x-z]+", r"[^a-z&&[^x]]+", r"[ab[xy]]+", r"[^ab[xy]]+", r"[ab[^xy]]+", r"[[a-x]&&[^b]]+", r"[^[^x]]+", r"[\]x]+", r"[x\-a]+", r"[-x]+", r"[x-]+", r"[a\-x]+",
    r"[[:alpha:]]+", r"[[:space:]]+", r"[[:^alpha:]]+", r"[[:digit:]x]+", r"[[:upper:]]+", r"[[:lower:]]+",
    r"\p{Han}+", r"\p{Hiragana}+", r"\p{Greek}+", r"\p{Cyrillic}+", r"\p{Arabic}+", r"\p{Latin}+", r"\P{Latin}+", r"\p{^Latin}+", r"[\p{^L}x]+", r"[^\p{L}]+", r"\p{Letter}+", r"\p{Alpha}+",
    r"\p{Lu}", r"\p{Uppercase_Letter}", r"\p{M}+", r"\p{So}", r"\p{Sc}", r"\p{Cc}", r"\p{Zs}+", r"\p{Emoji}",
    r"(?i:X)a", r"(?i)X|A", r"a(?i)x|1", r"(?i:[a-x])+", r"(?m:x.)", r"x.", r"(?-i:x)", r"x(?=a)", r"x(?!a)", r"(?<=a)x", r"(?<!a)x", r"(?>x+)a", r"(x)(a)", r"(x|a)+", r"x||a",
    r"\u0078", r"\x78", r"\x{78}", r"[\x{61}-\x{78}]+", r"[\u0061-\u0078]+", r"\n", r"\t|\r", r"\.", r"\/", r"\-", r"\'", r"é", r"[é]+", r"\é", r"(?:)", r"x**", r"x+*", r"x?+", r"x*+", r"x++", r"\R", r"x|",
]
SPLITS = [{"type": "Split", "pattern": {"Regex": r}, "behavior": "Isolated", "invert": False} for r in PUBLISHED + DIALECT]
SPLITS += [{"type": "Split", "pattern": p, "behavior": b, "invert": i} for p in ({"Regex": r"\s+"}, {"Regex": r"\p{L}+"}, {"String": "x"}, {"String": "."}, {"Regex": "x*"})
           for b in ("Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext") for i in (False, True)]
SPLITS += [{"type": "Digits", "individual_digits": i} for i in (False, True)]
SPLITS += [{"type": "Punctuation", "behavior": b} for b in ("Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext")]
SPLITS += [{"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": p, "split": s} for p in ("always", "first", "never") for s in (False, True)]
SPLITS += [{"type": "Whitespace"}, {"type": "WhitespaceSplit"}]
SPLITS += [{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}]},
           {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {"type": "Punctuation", "behavior": "Isolated"}]}]
BYTES = [{"type": "ByteLevel", "add_prefix_space": p, "trim_offsets": True, "use_regex": r} for p in (False, True) for r in (False, True)]
BYTES += [{"type": "Sequence", "pretokenizers": [{"type": "Punctuation", "behavior": "Contiguous"}, b, {"type": "Digits", "individual_digits": False},
                                                 {"type": "Split", "pattern": {"Regex": "[0-9][0-9][0-9]"}, "behavior": "Isolated", "invert": False}]} for b in BYTES]
NORMALIZERS = [{"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD")]
NORMALIZERS += [{"type": "Prepend", "prepend": "x "}, {"type": "Replace", "pattern": {"String": "x"}, "content": "yz"}, {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": "_"},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}, {"type": "Replace", "pattern": {"Regex": "x*"}, "content": "-"}, {"type": "Replace", "pattern": {"String": "."}, "content": ""}]
NORMALIZERS += [{"type": "Strip", "strip_left": l, "strip_right": r} for l in (False, True) for r in (False, True)]
NORMALIZERS += [{"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Strip", "strip_left": True, "strip_right": True}, {"type": "NFD"}, {"type": "NFC"}]}]

ASSIGNED = [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
PALETTE = "xxxxxaabAXZ''sStTreREll  \t\n\r\v\f\x85\xa0\u1680\u180e\u2003\u2028\u3000\u200b\u200d\u0301\u0308\u01c5éßſıİʼŉﬁ①²½Ⅷ٣123.,;:!?-_/\\\"()[]{}|…。，、।۔،„“€$+<=>^`~ΩωЖж漢字かなカナ가각नि्عربث🚀👩\u200d💻ﷺ\u2581"


def string(rng):
    return "".join(chr(rng.choice(ASSIGNED)) if rng.random() < 0.1 else rng.choice(PALETTE) for _ in range(rng.randrange(1, 25)))


def write(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False)


def alphabet():
    own = [b for b in range(256) if 0x21 <= b <= 0x7E or 0xA1 <= b != 0xAD]
    return [chr(b) for b in own] + [chr(256 + i) for i in range(256 - len(own))]


def tokenizer(normalizer, pre, by_bytes):
    """Of words: x, and one unknown token a run of others; of bytes: each, and two that merge across words only by mistake."""
    bpe = {"type": "BPE", "dropout": None, "unk_token": None if by_bytes else "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": False,
           "ignore_merges": False, "vocab": {"<unk>": 0, "x": 1, "xx": 2}, "merges": [["x", "x"]]}
    if by_bytes:
        letters = alphabet()
        bpe["vocab"] = {c: i for i, c in enumerate(letters)} | {a + b: 256 + i for i, (a, b) in enumerate((a, b) for a in "1x²a" for b in "23x³")}
        bpe["merges"] = [[t[0], t[1]] for t in bpe["vocab"] if len(t) == 2]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": None, "decoder": None, "model": bpe}


def compare(program, folder, value, strings, shown):
    write(folder, "tokenizer.json", value)
    try:
        tok = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    except Exception as e:
        return f"tokenizers refuses it: {e}"
    source, target = os.path.join(folder, "in"), os.path.join(folder, "out")
    texts = [s.encode() for s in strings]
    with open(source, "wb") as f:
        f.write(b"".join(struct.pack("=I", len(t)) + t for t in texts))
    done = subprocess.run([program, folder, source, target], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode:
        return "cril: " + done.stderr.decode().strip()
    with open(target, "rb") as f:
        data, at, n_different = f.read(), 0, 0
    for s in strings:
        n, = struct.unpack_from("=I", data, at)
        ids = list(struct.unpack_from(f"={n}i", data, at + 4))
        at += 4 + 4 * n
        try:
            want = tok.encode(s, add_special_tokens=False).ids
        except BaseException as e:  # a panic of the library's
            if "Panic" not in type(e).__name__:
                raise
            continue
        if ids != want:
            n_different += 1
            if n_different == 1:
                print(f"{shown}\n    {s!r}: cril {ids}, tokenizers {want}, words {tok.pre_tokenizer.pre_tokenize_str(s) if tok.pre_tokenizer else None}", flush=True)
    return n_different


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("program")
    arg.add_argument("-n", type=int, default=2000, help="strings for each component")
    arg.add_argument("--seed", type=int, default=1)
    a = arg.parse_args()
    rng = random.Random(a.seed)
    n_same = n_different = n_refused = 0
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "config.json", {"architectures": ["LlamaForCausalLM"], "model_type": "llama"})
        save_file({"model.norm.weight": numpy.ones(8, numpy.float32)}, os.path.join(folder, "model.safetensors"))
        cases = [(json.dumps(s, ensure_ascii=False), tokenizer(None, s, False)) for s in SPLITS]
        cases += [(json.dumps(s, ensure_ascii=False), tokenizer(None, s, True)) for s in BYTES]
        cases += [(json.dumps(n, ensure_ascii=False), tokenizer(n, BYTES[0], True)) for n in NORMALIZERS]
        for shown, value in cases:
            result = compare(a.program, folder, value, [string(rng) for _ in range(a.n)], shown)
            n_same += result == 0
            n_different += isinstance(result, int) and result > 0
            n_refused += isinstance(result, str)
            if result:
                print(f"{shown}: {result}", flush=True)
    print(f"{n_same} components the same on {a.n} strings each, {n_different} different, {n_refused} refused by one")
    sys.exit(n_different > 0)


if __name__ == "__main__":
    main()
