#!/usr/bin/env python3
"""decode_archive.py ARCHIVE DISTRIBUTIONS > TEXT

A second decoder of .cril archives, of both formats, written from doc/cril_format.md. It has no model: DISTRIBUTIONS is
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
TOP = 2**64
STORED, TOKENS, DROPPED, PARTS = range(4)


class Fault(Exception):
    pass


def must(condition, what):
    if not condition:
        raise Fault(what)


# ---- Container


class Cursor:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def left(self):
        return len(self.data) - self.at

    def bytes(self, n):
        must(n <= self.left(), "it breaks off")
        self.at += n
        return self.data[self.at - n : self.at]

    def u32(self):
        return int.from_bytes(self.bytes(4), "little")

    def varint(self):
        x = n = 0
        while True:
            (byte,) = self.bytes(1)
            x |= (byte & 0x7F) << 7 * n
            n += 1
            if byte < 0x80:
                break
            must(n < 5, "a number of more than 5 bytes")
        must(byte or n == 1, "a number that is longer than need be")
        return x


class Segment:
    """What is known of a segment before its bytes, which are `data`, are looked at."""

    def check(self, most_parts):
        must(1 <= self.original <= 2**30, "index: bytes of text")
        must(self.tokens + self.raw <= self.original + most_parts, "index: too many tokens")

    def size(self):
        return self.part_bytes + self.raw + self.code

    def take_apart(self):
        """Parts as (tokens, drop, raw), raw bytes, code."""
        must(self.frame_crc is None or zlib.crc32(self.data) == self.frame_crc, "wrong checksum of its bytes")
        at = Cursor(self.data[: self.part_bytes])
        parts = [] if self.kind == PARTS else [(self.tokens, self.kind == DROPPED, self.raw)]
        while at.left():
            parts.append(self.part(at))
        for tokens, drop, raw in parts:
            must(drop <= 1 and (tokens or (raw and not drop)), "a part that makes no sense")
        must(sum(p[0] for p in parts) == self.tokens, "tokens of parts")
        must(sum(p[2] for p in parts) == self.raw, "raw bytes of parts")
        must(self.tokens + self.raw <= self.original + len(parts), "too many tokens")
        rest = self.data[self.part_bytes :]
        return parts, rest[: self.raw], rest[self.raw :]


class Segment1(Segment):
    def __init__(self, fields):
        self.original, self.tokens, parts, self.raw, self.code, self.text_crc, self.frame_crc = fields
        self.kind = PARTS if parts else TOKENS
        self.part_bytes = 12 * parts
        must(parts or (self.tokens and not self.raw), "index: no parts, and no tokens or raw bytes")
        self.check(parts)

    def part(self, at):
        return at.u32(), at.u32(), at.u32()


class Segment2(Segment):
    def __init__(self, at, single):
        self.original, self.kind = divmod(at.varint(), 4)
        self.tokens = self.part_bytes = self.code = 0
        self.raw = self.original if self.kind == STORED else 0
        if self.kind != STORED:
            self.tokens = at.varint()
            must(self.tokens or self.kind == PARTS, "index: no tokens")
        if self.kind == PARTS:
            self.part_bytes, self.raw = at.varint(), at.varint()
            must(self.part_bytes, "index: no parts")
        self.text_crc = self.frame_crc = None
        if not single:
            if self.kind != STORED:
                self.code, self.text_crc = at.varint(), at.u32()
            self.frame_crc = at.u32()
        self.check({STORED: 0, TOKENS: 0, DROPPED: 1, PARTS: self.part_bytes // 2}[self.kind])

    def part(self, at):
        tokens, drop = divmod(at.varint(), 2)
        return tokens, drop, at.varint()


class Archive:
    def __init__(self, data):
        must(data[:8] == MAGIC[: len(data)], "not a .cril file: another magic")
        must(len(data) >= 12, f"{len(data)} bytes are no whole archive")
        (version,) = struct.unpack_from("<I", data, 8)
        must(version in (1, 2), f"format version {version} is not known")
        self.read1(data) if version == 1 else self.read2(data)
        must(1 <= self.numerics < 2**31, "header: numeric contract")
        must(1 <= self.rules < 2**31, "header: scoring rules")
        must(self.context >= 1, "header: context")
        must(1 <= self.stride <= self.context, "header: stride")

    def cut(self, data, at, end):
        """Gives each segment its bytes, which together are those from at to end."""
        for segment in self.segments:
            must(segment.size() <= end - at, "index: segments are longer than the file")
            segment.data = data[at : at + segment.size()]
            at += segment.size()
        must(at == end, "index: bytes of no segment")

    def read1(self, data):
        header, entry, trailer = 72, 28, len(data) - 64
        must(trailer >= header, f"{len(data)} bytes are no whole archive")
        (crc,) = struct.unpack_from("<I", data, 68)
        must(zlib.crc32(data[:68]) == crc, "header: wrong checksum")
        (self.numerics,) = struct.unpack_from("<I", data, 12)
        (protocol, self.context, self.stride, self.logits, first_token) = struct.unpack_from("<5I", data, 48)
        self.rules = 1
        self.has_first_token = first_token != 0xFFFFFFFF
        must(protocol == 1, f"header: protocol {protocol} is unknown")
        must(1 <= self.logits < 2**31, "header: logits")
        must(not self.has_first_token or first_token < self.logits, "header: first token")
        must(data[-8:] == bytes(reversed(MAGIC)), "no end mark: cut short, or followed by something")
        n, original = struct.unpack_from("<2Q", data, trailer)
        self.sha256 = data[trailer + 16 : trailer + 48]
        reserved, crc = struct.unpack_from("<2I", data, trailer + 48)
        must(n * entry <= trailer - header, f"trailer: {n} segments do not fit")
        index = trailer - n * entry
        must(zlib.crc32(data[index : trailer + 52]) == crc, "index: wrong checksum")
        must(reserved == 0, "trailer: reserved field")
        self.segments = [Segment1(f) for f in struct.iter_unpack("<7I", data[index:trailer])]
        self.cut(data, header, index)
        must(sum(s.original for s in self.segments) == original, "index: bytes of text")

    def read2(self, data):
        must(len(data) >= 46, f"{len(data)} bytes are no whole archive")
        at = Cursor(data, 12)
        at.bytes(16)
        self.numerics, self.rules, self.context = at.varint(), at.varint(), at.varint()
        must(self.context < 2**32, "header: context")
        self.stride = self.context - at.varint()
        self.has_first_token = at.varint() != 0
        self.logits = None
        single = data[at.at] != 0
        trailer = len(data) - (12 if single else 20)
        self.sha256 = data[trailer : trailer + 8]
        if single:
            self.segments = [Segment2(at, True)]
            first, end, checked = at.at, trailer, data[:-4]
            self.segments[0].code = end - first - self.segments[0].size()
            must(self.segments[0].code >= 0, "its segment is longer than the file")
            must(self.segments[0].kind != STORED or not self.segments[0].code, "code of no tokens")
        else:
            first = at.at + 1
            (length,) = struct.unpack_from("<Q", data, trailer + 8)
            must(first <= trailer and length <= trailer - first, "trailer: length of the index")
            end = trailer - length
            checked = data[:first] + data[end:-4]
            entries = Cursor(data[end:trailer])
            self.segments = []
            while entries.left():
                self.segments.append(Segment2(entries, False))
        must(zlib.crc32(checked) == int.from_bytes(data[-4:], "little"), "wrong checksum")
        self.cut(data, first, end)


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


def decode_token(coder, line, archive):
    n = line["uniform"] if "uniform" in line else sum(len(v) for v in line["values"])
    archive.logits = archive.logits or n  # format 2 leaves it to the model
    must(n == archive.logits, "distributions: another number of logits")
    if "uniform" in line:
        return coder.symbol(itertools.repeat(1, n), n)
    weights, total = reals(line["weights"]), float.fromhex(line["sum"])
    running = 0.0
    for w in weights:
        running += w
    must(running == total and total > 0, "distributions: sum is not that of the weights")
    must(len(line["values"]) == len(weights), "distributions: another number of chunks")
    must(all(len(v) == 1024 for v in line["values"][:-1]), "distributions: a chunk is not 1024 logits")
    sizes = [int(w / total * 2.0**32) + 1 for w in weights]
    chunk = coder.symbol(sizes, sum(sizes))
    sizes = [int(e * 2.0**32) + 1 for e in reals(line["values"][chunk])]
    return chunk * 1024 + coder.symbol(sizes, sum(sizes))


# ---- Text


def decode_segment(i, segment, archive, pieces, lines):
    parts, raw, code = segment.take_apart()
    coder = RangeDecoder(code)
    ids = []
    for k in range(segment.tokens):
        line = json.loads(next(lines, "{}"))
        must((line.get("segment"), line.get("token")) == (i, k), f"distributions: token {k} is missing")
        must(("uniform" in line) == (k == 0 and not archive.has_first_token), f"distributions: kind of token {k}")
        ids.append(decode_token(coder, line, archive))
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
    must(segment.text_crc is None or zlib.crc32(text) == segment.text_crc, "wrong checksum of its text")
    return bytes(text)


def decode(data, lines):
    archive = Archive(data)
    pieces = [bytes.fromhex(p) for p in json.loads(next(lines, "{}")).get("pieces", [])]
    must(archive.logits is None or len(pieces) <= archive.logits, "distributions: more pieces than logits")
    text = []
    for i, segment in enumerate(archive.segments):
        try:
            text.append(decode_segment(i, segment, archive, pieces, lines))
        except Fault as fault:
            raise Fault(f"segment {i}: {fault}") from None
    must(next(lines, None) is None, "distributions: lines for more tokens than there are")
    text = b"".join(text)
    must(hashlib.sha256(text).digest()[: len(archive.sha256)] == archive.sha256, "wrong SHA-256 of the text")
    return text


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n")[0])
    try:
        with open(sys.argv[1], "rb") as archive, open(sys.argv[2], encoding="ascii") as lines:
            text = decode(archive.read(), lines)
    except (Fault, OSError, ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        sys.exit(f"decode_archive.py: {sys.argv[1]}: {error}")
    sys.stdout.buffer.write(text)


if __name__ == "__main__":
    main()
