#!/usr/bin/env python3
r"""Compares cril's token ids with those of other tokenizers, string by string.

    compare_tokenizers.py PROGRAM MODEL ORACLE [ORACLE ...] [-n 100000] [--seed 1] [--corpus FILE.jsonl.gz ...]

PROGRAM is tests/tokenize_lines.c, built as its first comment says. MODEL is a GGUF file, or a folder with tokenizer.json or
tokenizer.model. An ORACLE is one of

    FILE.json   the same model's tokenizer for Hugging Face's `tokenizers`, for instance as transformers saves it from the GGUF file
                (that loses SmolLM's single digits, which --digits puts back)
    FILE.model  SentencePiece's own file; texts that two ways of equal score spell are counted as ties
    a program   with PROGRAM's usage: scripts/llama_lines.cpp, built as its first comment says, asks llama.cpp

    pip: tokenizers sentencepiece gguf numpy

Control-token look-alikes are text; with --special they are the tokens (not for FILE.model). Bytes that the vocabulary lacks become
the unknown token, if the file names one, in cril and in `tokenizers`, and are left out by llama.cpp: --lacks leaves out strings that
have any. Exits 1 if a string differs, and prints the first few.

Strings: ASCII, letters of many scripts, any assigned code point, bytes that are not UTF-8 (the oracles get all strings decoded
with errors="replace"), runs of blanks, digits, look-alikes of special tokens, pieces of the vocabulary, and mixtures of all these.
"""
import argparse
import gzip
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

from gguf import GGUFReader

SCRIPTS = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF),
           (0x900, 0x97F), (0xE00, 0xE7F), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x2000, 0x206F), (0x2070, 0x218F),
           (0x2500, 0x27BF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFF00, 0xFFEF), (0x10400, 0x1044F),
           (0x1D400, 0x1D7FF), (0x1F300, 0x1F64F), (0x20000, 0x2A6DF)]
BLANKS = " " * 8 + "\t\n\r\v\f\x85\xa0\u1680\u180e\u2003\u2028\u2029\u202f\u205f\u3000\u200b\u2581\ufeff"
ASSIGNED = [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
WORDS = ("the of and in to 's 'S 'll 'RE 've 'd don't I'M it's def return self import for x = == != -> // ### ... --- "
         "http:// www. <b> </td> & @ # $ % {} [] () \" ' ` ~ | \\ \\n naïve café über 3.14 1,000 0x1F").split()
OTHER_LETTERS = [b for b in range(256) if not (0x21 <= b <= 0x7E or 0xA1 <= b != 0xAD)]  # of GPT-2's byte alphabet
BYTE_OF = {chr(b): b for b in range(256) if b not in OTHER_LETTERS} | {chr(256 + i): b for i, b in enumerate(OTHER_LETTERS)}
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4  # tokenizer.ggml.token_type


class Vocabulary:
    """Names of special tokens, and the bytes of the others."""

    def __init__(self, path):
        fields = GGUFReader(path).fields
        byte_level = fields["tokenizer.ggml.model"].contents() == "gpt2"
        tokens = fields["tokenizer.ggml.tokens"].contents()
        types = fields["tokenizer.ggml.token_type"].contents()
        self.specials = [t for t, k in zip(tokens, types) if k in (CONTROL, USER_DEFINED) and t]
        self.pieces = []
        self.byte_level = byte_level
        for text in (t for t, k in zip(tokens, types) if k == NORMAL):
            if not byte_level:
                self.pieces.append(text.replace("\u2581", " ").encode())
            elif all(c in BYTE_OF for c in text):
                self.pieces.append(bytes(BYTE_OF[c] for c in text))

    @staticmethod
    def of(path):
        return FolderVocabulary(path) if os.path.isdir(path) else Vocabulary(path)

    def lacking(self):
        """An expression for the bytes that no piece of one byte stands for; None: there are none."""
        bytes_ = {p[0] for p in self.pieces if len(p) == 1}
        missing = [b for b in range(256) if b not in bytes_] if self.byte_level else []
        return b"[" + b"".join(rb"\x%02x" % b for b in missing) + b"]" if missing else None


class FolderVocabulary(Vocabulary):
    def __init__(self, path):
        if os.path.exists(os.path.join(path, "tokenizer.json")):
            with open(os.path.join(path, "tokenizer.json"), encoding="utf-8") as f:
                tok = json.load(f)
            self.specials = [t["content"] for t in tok["added_tokens"]]
            names = [t if isinstance(t, str) else t[0] for t in tok["model"]["vocab"]]
            self.byte_level = "ByteLevel" in json.dumps(tok["pre_tokenizer"])
        else:
            from sentencepiece import SentencePieceProcessor
            tok = SentencePieceProcessor(os.path.join(path, "tokenizer.model"))
            names = [tok.id_to_piece(i) for i in range(tok.get_piece_size())]
            self.specials = [n for i, n in enumerate(names) if tok.is_control(i) or tok.is_unknown(i)]
            self.byte_level = False
        names = [n for n in names if n not in set(self.specials)]
        if self.byte_level:
            self.pieces = [bytes(BYTE_OF[c] for c in n) for n in names if all(c in BYTE_OF for c in n)]
        else:
            self.pieces = [n.replace("\u2581", " ").encode() for n in names]


def piece(rng, vocabulary):
    kind = rng.randrange(10)
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
        text = rng.choice(vocabulary.specials) if vocabulary.specials else "<s>"
        return (text if rng.random() < 0.7 else text[:rng.randrange(len(text) + 1)]).encode()
    if kind == 7:
        return b"".join(rng.choice(vocabulary.pieces) for _ in range(n))
    return " ".join(rng.choice(WORDS) for _ in range(n)).encode()


def corpus_strings(path):
    with gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8") as f:
        for line in f:
            record = json.loads(line)
            yield (record.get("content") or record["text"]).encode("utf-8", "surrogatepass")


class Program:
    """Any program with the usage of tests/tokenize_lines.c."""

    def __init__(self, program, model, special):
        self.command, self.special = [program, model], ["special"] if special else []

    def encode(self, strings):
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in"), Path(folder, "out")
            source.write_bytes(b"".join(struct.pack("=I", len(s)) + s for s in strings))
            subprocess.run(self.command + [source, target] + self.special, check=True, stdout=subprocess.DEVNULL)
            data, at, out = target.read_bytes(), 0, []
        for _ in strings:
            n, = struct.unpack_from("=I", data, at)
            out.append(list(struct.unpack_from(f"={n}i", data, at + 4)))
            at += 4 + 4 * n
        return out


class HuggingFace:
    def __init__(self, path, special, digits, as_is):
        from tokenizers import Tokenizer, normalizers, pre_tokenizers
        self.tok = Tokenizer.from_file(path)
        if digits:
            self.tok.pre_tokenizer = pre_tokenizers.Sequence([
                pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
        if as_is:
            self.tok.normalizer = normalizers.Sequence([])
        self.tok.encode_special_tokens = not special

    def encode(self, strings):
        return [e.ids for e in self.tok.encode_batch([s.decode() for s in strings], add_special_tokens=False)]


class SentencePiece:
    def __init__(self, path):
        from sentencepiece import SentencePieceProcessor
        self.tok = SentencePieceProcessor(path)

    def encode(self, strings):
        return self.tok.encode([s.decode() for s in strings], num_threads=1)

    def is_tie(self, a, b):
        """Whether both have the same score: SentencePiece adds scores in 32 bits, and rounding decides."""
        return abs(sum(map(self.tok.get_score, a)) - sum(map(self.tok.get_score, b))) < 1e-4


def oracle(name, a):
    if name.endswith(".json"):
        return HuggingFace(name, a.special, a.digits, a.as_is)
    return SentencePiece(name) if name.endswith(".model") else Program(name, a.model, a.special)


def report(text, mine, theirs, name):
    k = next((i for i, (x, y) in enumerate(zip(mine, theirs)) if x != y), min(len(mine), len(theirs)))
    print(f"  {text[:200]!r}\n    from id {k}: cril {mine[k:k + 8]}, {name} {theirs[k:k + 8]}")


def compare(name, strings, cril, oracles, skip, lacking):
    """Prints a line for each oracle; returns the number of differences."""
    n_all = len(strings)
    n_ids = n_ties = 0
    different = dict.fromkeys(oracles, 0)
    if skip:
        strings = [s for s in strings if not re.search(skip, s.decode("utf-8", "replace"))]
    if lacking:
        strings = [s for s in strings if not re.search(lacking, s.decode("utf-8", "replace").encode())]
    for at in range(0, len(strings), 20000):
        part = strings[at:at + 20000]
        mine = cril.encode(part)
        repaired = [s.decode("utf-8", "replace").encode() for s in part]
        n_ids += sum(map(len, mine))
        for o, theirs in oracles.items():
            answers = theirs.encode(repaired)
            for text, ids, other in zip(part, mine, answers):
                if ids == other:
                    continue
                if isinstance(theirs, SentencePiece) and theirs.is_tie(ids, other):
                    n_ties += 1
                else:
                    different[o] += 1
                    if different[o] <= 5:
                        report(text, ids, other, o)
    for o in oracles:
        print(f"{name}: {n_all} strings, {n_all - len(strings)} skipped, {n_ids} ids, "
              f"{different[o]} different from {o}" + (f" and {n_ties} ties" if n_ties else ""), flush=True)
    return sum(different.values())


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("program")
    arg.add_argument("model")
    arg.add_argument("oracle", nargs="+")
    arg.add_argument("-n", type=int, default=100000, help="random strings (100000)")
    arg.add_argument("--seed", type=int, default=1)
    arg.add_argument("--corpus", nargs="*", default=[])
    arg.add_argument("--special", action="store_true", help="look-alikes of control tokens are those tokens")
    arg.add_argument("--digits", action="store_true", help="FILE.json: the pre-tokenizer takes digits one by one first")
    arg.add_argument("--as-is", action="store_true", help="FILE.json: without its normaliser (cril, as llama.cpp, does no NFC)")
    arg.add_argument("--lacks", action="store_true", help="leave out strings with bytes that the vocabulary lacks")
    arg.add_argument("--skip", help="expression; strings in which it matches are left out")
    a = arg.parse_args()
    oracles = {name: oracle(name, a) for name in a.oracle}
    cril, vocabulary, rng = Program(a.program, a.model, a.special), Vocabulary.of(a.model), random.Random(a.seed)
    lacking = vocabulary.lacking() if a.lacks else None
    n_different = 0
    for start in range(0, a.n, 200000):  # so that a million strings do not lie in memory at once
        part = [b"".join(piece(rng, vocabulary) for _ in range(rng.randrange(1, 9))) for _ in range(min(200000, a.n - start))]
        n_different += compare(f"random {start}..", part, cril, oracles, a.skip, lacking)
    for path in a.corpus:
        n_different += compare(path, list(corpus_strings(path)), cril, oracles, a.skip, lacking)
    sys.exit(n_different > 0)


if __name__ == "__main__":
    main()
