#!/usr/bin/env python3
"""decode_archive.py ARCHIVE DISTRIBUTIONS > TEXT

A second decoder of .cril archives, written from doc/cril_format.md. It has no model: DISTRIBUTIONS is
what the first decoder was given by its model, token by token ("An independent decoder"). Everything
else is done and checked here. Exits 1 with a message on any fault; text is written only when all of
it was found right.

Names and order follow the document. Python 3.9 or later, no packages.
"""
import hashlib
import itertools
import json
import struct
import sys
import zlib

MAGIC = bytes.fromhex("89 43 52 49 4C 0D 0A 1A")
END_MARK = bytes(reversed(MAGIC))
HEADER, PART, ENTRY, TRAILER = 72, 12, 28, 64
NO_HEAD = 0xFFFFFFFF
TOP = 2**64


class Fault(Exception):
    pass


def must(condition, what):
    if not condition:
        raise Fault(what)


# ---- Container


class Header:
    def __init__(self, data):
        must(data[:8] == MAGIC[: len(data)], "not a .cril file: another magic")
        must(len(data) >= HEADER + TRAILER, f"{len(data)} bytes are no whole archive")
        (self.version,) = struct.unpack_from("<I", data, 8)
        must(self.version <= 1, f"format version {self.version} is newer than 1")
        (crc,) = struct.unpack_from("<I", data, 68)
        must(zlib.crc32(data[:68]) == crc, "header: wrong checksum")
        must(self.version == 1, "header: format version 0")
        (self.numerics,) = struct.unpack_from("<I", data, 12)
        self.model = data[16:48]
        (self.protocol, self.context, self.stride, self.logits, self.head) = struct.unpack_from("<5I", data, 48)
        must(1 <= self.numerics < 2**31, "header: numeric contract")
        must(self.protocol == 1, f"header: protocol {self.protocol} is unknown")
        must(self.context >= 1, "header: context")
        must(1 <= self.stride <= self.context, "header: stride")
        must(1 <= self.logits < 2**31, "header: logits")
        must(self.head == NO_HEAD or self.head < self.logits, "header: head")


class Segment:
    """An entry of the index; `data` are the segment's bytes."""

    def __init__(self, fields):
        self.original, self.tokens, self.parts, self.raw, self.code, self.text_crc, self.frame_crc = fields
        must(1 <= self.original <= 2**30, "index: bytes of text")
        must(self.parts or (self.tokens and not self.raw), "index: no parts, and no tokens or raw bytes")
        must(self.tokens + self.raw <= self.original + self.parts, "index: too many tokens")

    def size(self):
        return PART * self.parts + self.raw + self.code

    def take_apart(self):
        """Parts as (tokens, drop, raw), raw bytes, code."""
        must(zlib.crc32(self.data) == self.frame_crc, "wrong checksum of its bytes")
        parts = list(struct.iter_unpack("<3I", self.data[: PART * self.parts]))
        for tokens, drop, raw in parts:
            must(drop <= 1 and (tokens or (raw and not drop)), "a part that makes no sense")
        if not parts:
            parts = [(self.tokens, 0, 0)]
        must(sum(p[0] for p in parts) == self.tokens, "tokens of parts")
        must(sum(p[2] for p in parts) == self.raw, "raw bytes of parts")
        rest = self.data[PART * self.parts :]
        return parts, rest[: self.raw], rest[self.raw :]


class Archive:
    def __init__(self, data):
        self.header = Header(data)
        must(data[-8:] == END_MARK, "no end mark: cut short, or followed by something")
        trailer = len(data) - TRAILER
        n, self.original = struct.unpack_from("<2Q", data, trailer)
        self.sha256 = data[trailer + 16 : trailer + 48]
        reserved, crc = struct.unpack_from("<2I", data, trailer + 48)
        must(n * ENTRY <= trailer - HEADER, f"trailer: {n} segments do not fit")
        index = trailer - n * ENTRY
        must(zlib.crc32(data[index : trailer + 52]) == crc, "index: wrong checksum")
        must(reserved == 0, "trailer: reserved field")
        self.segments = [Segment(f) for f in struct.iter_unpack("<7I", data[index:trailer])]
        at = HEADER
        for segment in self.segments:
            must(segment.size() <= index - at, "index: segments are longer than the file")
            segment.data = data[at : at + segment.size()]
            at += segment.size()
        must(at == index, "index: bytes of no segment")
        must(sum(s.original for s in self.segments) == self.original, "index: bytes of text")


# ---- Range coder and shares


class RangeDecoder:
    def __init__(self, data):
        self.data = data
        self.pos = 8
        self.code = int.from_bytes(data[:8].ljust(8, b"\0"), "big")
        self.range = TOP - 1

    def symbol(self, sizes, total):
        """Index of the next symbol; sizes of the symbols in order."""
        unit = self.range // total
        at = self.code // unit
        must(at < total, "no encoder wrote this code")
        low = 0
        for symbol, size in enumerate(sizes):
            if at < low + size:
                break
            low += size
        self.code -= unit * low
        self.range = unit * size
        while self.range < 2**56:
            byte = self.data[self.pos] if self.pos < len(self.data) else 0
            self.pos += 1
            self.code = self.code * 256 + byte
            self.range *= 256
        return symbol


def reals(texts):
    return [float.fromhex(t) for t in texts]


def decode_token(coder, line, header):
    if "uniform" in line:
        must(line["uniform"] == header.logits, "distributions: another number of logits")
        return coder.symbol(itertools.repeat(1, header.logits), header.logits)
    weights, total = reals(line["weights"]), float.fromhex(line["sum"])
    running = 0.0
    for w in weights:
        running += w
    must(running == total and total > 0, "distributions: sum is not that of the weights")
    must(sum(len(v) for v in line["values"]) == header.logits, "distributions: another number of logits")
    must(len(line["values"]) == len(weights), "distributions: another number of chunks")
    must(all(len(v) == 1024 for v in line["values"][:-1]), "distributions: a chunk is not 1024 logits")
    sizes = [int(w / total * 2.0**32) + 1 for w in weights]
    chunk = coder.symbol(sizes, sum(sizes))
    sizes = [int(e * 2.0**32) + 1 for e in reals(line["values"][chunk])]
    return chunk * 1024 + coder.symbol(sizes, sum(sizes))


# ---- Text


def decode_segment(i, segment, header, pieces, lines):
    parts, raw, code = segment.take_apart()
    coder = RangeDecoder(code)
    ids = []
    for k in range(segment.tokens):
        line = json.loads(next(lines, "{}"))
        must((line.get("segment"), line.get("token")) == (i, k), f"distributions: token {k} is missing")
        must(("uniform" in line) == (k == 0 and header.head == NO_HEAD), f"distributions: kind of token {k}")
        ids.append(decode_token(coder, line, header))
        must(ids[-1] < len(pieces), f"token {ids[-1]} has no piece")
    text = bytearray()
    at = raw_at = 0
    for tokens, drop, n_raw in parts:
        first = len(text)
        for token in ids[at : at + tokens]:
            text += pieces[token]
            must(len(text) <= segment.original + 1, "more text than it should have")
        if drop:
            must(pieces[ids[at]], "a token without a piece, of which a byte is to be dropped")
            del text[first]
        text += raw[raw_at : raw_at + n_raw]
        at += tokens
        raw_at += n_raw
    must(len(text) == segment.original, f"{len(text)} bytes of text, not {segment.original}")
    must(zlib.crc32(text) == segment.text_crc, "wrong checksum of its text")
    return bytes(text)


def decode(data, lines):
    archive = Archive(data)
    pieces = [bytes.fromhex(p) for p in json.loads(next(lines, "{}")).get("pieces", [])]
    must(len(pieces) <= archive.header.logits, "distributions: more pieces than logits")
    text = []
    for i, segment in enumerate(archive.segments):
        try:
            text.append(decode_segment(i, segment, archive.header, pieces, lines))
        except Fault as fault:
            raise Fault(f"segment {i}: {fault}") from None
    must(next(lines, None) is None, "distributions: lines for more tokens than there are")
    text = b"".join(text)
    must(hashlib.sha256(text).digest() == archive.sha256, "wrong SHA-256 of the text")
    return text


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n")[0])
    try:
        with open(sys.argv[1], "rb") as archive, open(sys.argv[2], encoding="ascii") as lines:
            text = decode(archive.read(), lines)
    except (Fault, OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"decode_archive.py: {sys.argv[1]}: {error}")
    sys.stdout.buffer.write(text)


if __name__ == "__main__":
    main()
