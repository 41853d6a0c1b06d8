#!/usr/bin/env python3
"""Writes a llama model of random weights as GGUF v3, to measure with models that nobody needs to download.

    make_model.py OUT.gguf                    the shape of Llama-2-7B in Q4_K, 3.8 GB
    make_model.py --split 4 OUT.gguf          OUT-00001-of-00004.gguf and so on
    make_model.py --layers 5 --type Q8_0 --kv-heads 8 --ff 14336 --experts 8 OUT.gguf
                                              five layers of Mixtral 8x7B, 8 GB
    make_model.py --layers 2 --type F16 ...   see --help

Speed depends on shapes and types, not on values, so a few megabytes of random blocks are written again and again, each
tensor from another place. Weights have a spread of 1/sqrt(inputs) and norms are 1: every product keeps the size of what
goes in, and logits stay finite through any number of layers. The tokenizer is a SentencePiece one of bytes and of all
runs of one, two, three letters. The standard library is all it needs."""
import argparse
import array
import itertools
import math
import random
import struct

ALIGN = 32
POOL_BLOCKS = 29123  # a prime, so that rows of whole blocks start elsewhere at each turn through the pool


def f16(x):
    return struct.pack("<e", x)


# A type: number in GGUF, elements and bytes of a block, the fixed bytes that stand in front of the random ones for a
# spread s. A uniform q of 0..15 has a spread of 4.61 about 7.5, one of -128..127 a spread of 73.9 about -0.5.
def q4_k_head(s):
    """All eight scales and minima are 32 of 63: w = 32 d q - 32 m."""
    d = s / 4.61 / 32
    return f16(d) + f16(7.5 * d) + bytes([0x20 | 0x80] * 8 + [0x00] * 4)


TYPES = {
    "Q4_0": (2, 32, 18, lambda s: f16(s / 4.61)),
    "Q8_0": (8, 32, 34, lambda s: f16(s / 73.9)),
    "Q4_K": (12, 256, 144, q4_k_head),
    "F32": (0, 1, 4, None),
    "F16": (1, 1, 2, None),
}


def make_pool(kind, spread, rng):
    _, _, size, head = TYPES[kind]
    if head:
        front = head(spread)
        noise, step = rng.randbytes(POOL_BLOCKS * size), size - len(front)
        return b"".join(front + noise[i * step:(i + 1) * step] for i in range(POOL_BLOCKS))
    values = [rng.uniform(-1, 1) * math.sqrt(3) * spread for _ in range(10 * POOL_BLOCKS)]
    return struct.pack("<%d%s" % (len(values), "f" if kind == "F32" else "e"), *values)


class Pools:
    """The random blocks of each type and spread, made when first asked for."""

    def __init__(self, seed):
        self.rng, self.pools = random.Random(seed), {}

    def write(self, out, t):
        size = TYPES[t.kind][2]
        if t.ones:
            return out.write(array.array("f", [1.0] * t.dims[0]).tobytes())
        key = t.kind, t.dims[0]
        if key not in self.pools:
            self.pools[key] = make_pool(t.kind, 1 / math.sqrt(t.dims[0]), self.rng)
        pool = memoryview(self.pools[key])
        at, left = self.rng.randrange(len(pool) // size) * size, t.bytes
        while left:
            part = pool[at:at + left]
            out.write(part)
            at, left = 0, left - len(part)


class Tensor:
    def __init__(self, name, kind, *dims, ones=False):
        number, length, size, _ = TYPES[kind]
        assert dims[0] % length == 0, "%s: rows of %d are not whole blocks of %s" % (name, dims[0], kind)
        self.name, self.kind, self.number, self.dims, self.ones = name, kind, number, dims, ones
        self.bytes = math.prod(dims) // length * size


def tensors(a):
    d, kv = a.embedding, a.embedding // a.heads * a.kv_heads
    yield Tensor("token_embd.weight", a.type, d, a.vocabulary)
    for i in range(a.layers):
        blk = "blk.%d." % i
        yield Tensor(blk + "attn_norm.weight", "F32", d, ones=True)
        yield Tensor(blk + "attn_q.weight", a.type, d, d)
        yield Tensor(blk + "attn_k.weight", a.type, d, kv)
        yield Tensor(blk + "attn_v.weight", a.type, d, kv)
        yield Tensor(blk + "attn_output.weight", a.type, d, d)
        yield Tensor(blk + "ffn_norm.weight", "F32", d, ones=True)
        experts, kind = ((a.experts,), "_exps") if a.experts else ((), "")
        if a.experts:
            yield Tensor(blk + "ffn_gate_inp.weight", "F32", d, a.experts)
        yield Tensor(blk + "ffn_gate%s.weight" % kind, a.type, d, a.ff, *experts)
        yield Tensor(blk + "ffn_up%s.weight" % kind, a.type, d, a.ff, *experts)
        yield Tensor(blk + "ffn_down%s.weight" % kind, a.type, a.ff, d, *experts)
    yield Tensor("output_norm.weight", "F32", d, ones=True)
    yield Tensor("output.weight", a.type, d, a.vocabulary)


def vocabulary(n):
    """Pieces, scores and types. Shorter pieces come first, so they merge first."""
    letters = "etaoinshrdlcumwfgypbvkjxqz"
    runs = ("".join(r) for length in itertools.count(1) for r in itertools.product(letters, repeat=length))
    first = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)] + ["\u2581"]
    first += ["\u2581" + c for c in letters]
    pieces = first + list(itertools.islice(runs, max(0, n - len(first))))
    assert n >= len(first), "a vocabulary has at least %d pieces" % len(first)
    kinds = [2, 3, 3] + [6] * 256 + [1] * (n - 259)
    return pieces, [0.0] * 259 + [-float(i) for i in range(n - 259)], kinds


def string(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


SCALARS = {"u16": (2, "<H"), "u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f"), "bool": (7, "<?")}


def pair(key, kind, value):
    """A metadata entry; a list is an array of its kind."""
    number, form = (8, None) if kind == "str" else SCALARS[kind]
    pack = string if kind == "str" else lambda v: struct.pack(form, v)
    if isinstance(value, list):
        return string(key) + struct.pack("<IIQ", 9, number, len(value)) + b"".join(map(pack, value))
    return string(key) + struct.pack("<I", number) + pack(value)


def metadata(a):
    pieces, scores, kinds = vocabulary(a.vocabulary)
    mixture = [pair("llama.expert_count", "u32", a.experts), pair("llama.expert_used_count", "u32", a.used)]
    return (mixture if a.experts else []) + [
        pair("general.architecture", "str", "llama"),
        pair("general.name", "str", "random %d x %d" % (a.layers, a.embedding)),
        pair("llama.context_length", "u32", a.context),
        pair("llama.embedding_length", "u32", a.embedding),
        pair("llama.block_count", "u32", a.layers),
        pair("llama.feed_forward_length", "u32", a.ff),
        pair("llama.attention.head_count", "u32", a.heads),
        pair("llama.attention.head_count_kv", "u32", a.kv_heads),
        pair("llama.attention.layer_norm_rms_epsilon", "f32", 1e-5),
        pair("llama.rope.dimension_count", "u32", a.embedding // a.heads),
        pair("llama.rope.freq_base", "f32", 10000.0),
        pair("llama.vocab_size", "u32", a.vocabulary),
        pair("tokenizer.ggml.model", "str", "llama"),
        pair("tokenizer.ggml.pre", "str", "default"),
        pair("tokenizer.ggml.tokens", "str", pieces),
        pair("tokenizer.ggml.scores", "f32", scores),
        pair("tokenizer.ggml.token_type", "i32", kinds),
        pair("tokenizer.ggml.unknown_token_id", "u32", 0),
        pair("tokenizer.ggml.bos_token_id", "u32", 1),
        pair("tokenizer.ggml.eos_token_id", "u32", 2),
        pair("tokenizer.ggml.add_bos_token", "bool", True),
        pair("tokenizer.ggml.add_eos_token", "bool", False),
    ]


def padding(n):
    return bytes(-n % ALIGN)


def write_part(path, pairs, part, pools):
    head = [b"GGUF", struct.pack("<IQQ", 3, len(part), len(pairs)), *pairs]
    offset = 0
    for t in part:
        dims = struct.pack("<%dQ" % len(t.dims), *t.dims)
        head.append(string(t.name) + struct.pack("<I", len(t.dims)) + dims + struct.pack("<IQ", t.number, offset))
        offset += t.bytes + len(padding(t.bytes))
    head = b"".join(head)
    with open(path, "wb") as out:
        out.write(head + padding(len(head)))
        for t in part:
            pools.write(out, t)
            out.write(padding(t.bytes))
    print(path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("--type", choices=TYPES, default="Q4_K", help="of all matrices (default: Q4_K)")
    for name, value in (("layers", 32), ("embedding", 4096), ("ff", 11008), ("heads", 32), ("kv-heads", 32),
                        ("vocabulary", 32000), ("context", 4096), ("experts", 0), ("used", 2), ("seed", 0)):
        p.add_argument("--" + name, type=int, default=value, metavar="N", help="default: %d" % value)
    p.add_argument("--split", type=int, default=1, metavar="N", help="files (default: 1)")
    a = p.parse_args()
    every, pairs, pools = list(tensors(a)), metadata(a), Pools(a.seed)
    if a.split == 1:
        return write_part(a.out, pairs, every, pools)
    total, done, parts = sum(t.bytes for t in every), 0, [[] for _ in range(a.split)]
    for t in every:  # a tensor goes to the part in which its first byte falls
        parts[done * a.split // total].append(t)
        done += t.bytes
    for i, part in enumerate(parts):
        keys = [pair("split.no", "u16", i), pair("split.count", "u16", a.split),
                pair("split.tensors.count", "i32", len(every))]
        name = "%s-%05d-of-%05d.gguf" % (a.out.removesuffix(".gguf"), i + 1, a.split)
        write_part(name, keys if i else pairs + keys, part, pools)


if __name__ == "__main__":
    main()
