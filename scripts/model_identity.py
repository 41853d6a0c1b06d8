#!/usr/bin/env python3
"""model_identity.py MODEL.gguf: the identity that `cril info --sha256` shows, by the description in src/model/identity.c.

Written apart from the C code, to check it; the standard library is enough. One-part files only.
"""
import hashlib
import struct
import sys

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of a value, by its type
STRING, ARRAY = 8, 9
BLOCKS = {  # elements and bytes of a tensor's block, by GGML's type
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84), 11: (256, 110),
    12: (256, 144), 13: (256, 176), 14: (256, 210), 20: (32, 18), 23: (256, 136), 30: (1, 2),
}


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]

    def text(self):
        return self.take(self.number("Q"))


def text(s):
    return struct.pack("<Q", len(s)) + s


def read_value(r):
    """A key's value as the bytes that are hashed, and as text where it is one."""
    kind, is_array, n = r.number("I"), 0, 1
    if kind == ARRAY:
        is_array, kind, n = 1, r.number("I"), r.number("Q")
    head = struct.pack("<BIQ", is_array, kind, n)
    if kind != STRING:
        raw = r.take(n * SIZES[kind])
        return head + raw, raw
    texts = [r.text() for _ in range(n)]
    return head + b"".join(map(text, texts)), texts[0] if texts else b""


def identity(data):
    r = Reader(data)
    assert r.take(4) == b"GGUF" and r.number("I") in (2, 3)
    n_tensors, n_keys = r.number("Q"), r.number("Q")
    values = {}
    for _ in range(n_keys):
        key = r.text()
        values[key] = read_value(r)
    tensors = {}
    for _ in range(n_tensors):
        name, n_dims = r.text(), r.number("I")
        shape = [r.number("Q") for _ in range(n_dims)]
        tensors[name] = shape, r.number("I"), r.number("Q")
    alignment = struct.unpack("<I", values[b"general.alignment"][1])[0] if b"general.alignment" in values else 32
    start = (r.at + alignment - 1) // alignment * alignment

    h = hashlib.sha256(b"cril model 1\n")
    prefixes = values[b"general.architecture"][1] + b".", b"tokenizer.ggml."
    for key in sorted(values):
        if key == b"general.architecture" or key.startswith(prefixes):
            h.update(text(key) + values[key][0])
    h.update(struct.pack("<Q", n_tensors))
    for name in sorted(tensors):
        shape, kind, offset = tensors[name]
        elements, size = BLOCKS[kind]
        for n in shape:
            size *= n
        size //= elements
        h.update(text(name) + struct.pack("<II", kind, len(shape)) + struct.pack(f"<{len(shape)}Q", *shape))
        h.update(struct.pack("<Q", size) + data[start + offset:start + offset + size])
    return h.hexdigest()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        print(identity(file.read()))
