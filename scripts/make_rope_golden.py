#!/usr/bin/env python3
"""Makes tests/golden/rope.txt: frequencies and magnitudes of rotations, as transformers computes them.

Needs torch and transformers. A case is a line of words: architecture, elements of a head that turn, base, kind, and what the kind needs, in the
order in which test_model.c reads them; then lines "magnitude M" and "frequencies F...". For Llama 3 a line "divisors D..." stands in between:
plain frequency / frequency, which is what a GGUF file holds."""
import os
import sys

from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../tests/golden/rope.txt")
CASES = [
    ("llama", 32, 10000.0, "none", {}),
    ("llama", 32, 500000.0, "none", {}),
    ("qwen2", 32, 1000000.0, "none", {}),
    ("llama", 16, 10000.0, "none", {}),
    ("llama", 32, 100000.0, "linear", {"factor": 4.0}),
    ("qwen2", 32, 10000.0, "linear", {"factor": 2.5}),
    ("llama", 32, 500000.0, "llama3", {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                       "original_max_position_embeddings": 64}),
    ("llama", 32, 10000.0, "llama3", {"factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                      "original_max_position_embeddings": 128}),
    ("llama", 32, 10000.0, "yarn", {"factor": 4.0, "original_max_position_embeddings": 64, "beta_fast": 32.0,
                                    "beta_slow": 1.0}),
    ("qwen2", 32, 1000000.0, "yarn", {"factor": 16.0, "original_max_position_embeddings": 4096, "beta_fast": 32.0,
                                      "beta_slow": 1.0}),
    ("llama", 32, 10000.0, "yarn", {"factor": 2.0, "original_max_position_embeddings": 200, "beta_fast": 8.0,
                                    "beta_slow": 0.5}),
    ("qwen2", 16, 10000.0, "yarn", {"factor": 40.0, "original_max_position_embeddings": 2048, "beta_fast": 16.0,
                                    "beta_slow": 2.0}),
]


def config(n_rot, base, kind, options):
    scaling = {"rope_type": "default" if kind == "none" else kind, "rope_theta": base, **options}
    return LlamaConfig(hidden_size=2 * n_rot, num_attention_heads=2, head_dim=n_rot, max_position_embeddings=4096,
                       rope_parameters=scaling)


def frequencies(n_rot, base, kind, options):
    rope = LlamaRotaryEmbedding(config(n_rot, base, kind, options))
    return rope.inv_freq.double().tolist(), rope.attention_scaling


def numbers(values):
    return " ".join(f"{v:.9g}" for v in values)


with open(OUT, "w") as f:
    for architecture, n_rot, base, kind, options in CASES:
        freq, magnitude = frequencies(n_rot, base, kind, options)
        words = [architecture, str(n_rot), f"{base:g}", kind]
        if kind != "none":
            words.append(f"{options['factor']:g}")
        if kind == "yarn":
            words += [f"{options[k]:g}" for k in ("original_max_position_embeddings", "beta_fast", "beta_slow")]
        print(*words, file=f)
        if kind == "llama3":
            plain, _ = frequencies(n_rot, base, "none", {})
            print("divisors", numbers(p / q for p, q in zip(plain, freq)), file=f)
        print("magnitude", f"{magnitude:.9g}", file=f)
        print("frequencies", numbers(freq), file=f)
