#!/usr/bin/env python3
"""Writes tests/golden/dtypes.bin: random blocks of each type and their values by the gguf package.

Needs: pip install gguf. Little-endian; for each type u32 number, u32 bytes, u32 elements, the blocks,
the values as fp32. Scales are finite: ordinary, subnormal, zero, negative and the largest.
"""
import pathlib
import struct

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize

# Offsets of the fp16 fields in a block.
FP16 = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0],
    T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208],
    T.IQ4_NL: [0], T.IQ4_XS: [0],
}


def main():
    rng = np.random.default_rng(20240607)
    special = [0x0000, 0x8000, 0x0001, 0x83FF, 0x7BFF, 0xFBFF]  # +-0, subnormal, largest
    out = bytearray()
    for t in [T.F32, T.F16, T.BF16, *FP16]:
        length, size = GGML_QUANT_SIZES[t]
        if t in FP16:
            n = 6 if length == 256 else 24
            raw = rng.integers(0, 256, (n, size), dtype=np.uint8)
            for i in range(n):
                for k, at in enumerate(FP16[t]):
                    h = np.float16(rng.normal() * 0.05).view(np.uint16)
                    if i < 3:
                        h = special[(2 * i + k) % 6]
                    raw[i, at:at + 2] = np.frombuffer(struct.pack("<H", int(h)), np.uint8)
        elif t == T.F32:
            raw = rng.normal(size=64).astype(np.float32).view(np.uint8)
        elif t == T.F16:
            raw = np.array([*special, *rng.integers(0, 0x7C00, 58)], np.uint16).view(np.uint8)
        else:
            raw = (rng.normal(size=64).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
        values = np.asarray(dequantize(raw, t), dtype=np.float32).ravel()
        assert np.isfinite(values).all(), t
        out += struct.pack("<III", int(t), raw.size, values.size) + raw.tobytes() + values.astype("<f4").tobytes()
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "dtypes.bin"
    path.write_bytes(out)
    print(f"{path.name}: {len(out)} bytes")


if __name__ == "__main__":
    main()
