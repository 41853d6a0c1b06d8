#!/usr/bin/env python3
"""Makes tests/golden/tiny-*.gguf and the nats that transformers computes for them in fp32.

Needs torch, transformers and gguf. Weights are random from a fixed seed. A .nats file is two lines:
token ids, then -ln p of each id but the first. For the mixed file the model that transformers runs
holds the dequantised weights."""
import os
import sys

import gguf
import numpy as np
import torch
from transformers import (Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM, MistralConfig,
                          MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM)

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../tests/golden")
Q = gguf.GGMLQuantizationType
CTX, HEADS, KV, DIM, EPS = 256, 2, 1, 32, 1e-6
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
}


def byte_chars():
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    out, extra = {}, 0
    for b in range(256):
        out[b] = chr(b) if b in keep else chr(256 + extra)
        extra += b not in keep
    return out


def bpe(w):
    merges = [("Ġ", "t"), ("h", "e"), ("i", "n"), ("Ġ", "a"), ("Ġt", "he"), ("o", "n"), ("e", "r"),
              ("r", "e"), ("Ġ", "f"), ("in", "g")]
    tokens = list(byte_chars().values()) + [a + b for a, b in merges] + ["<s>", "</s>"]
    n = len(tokens)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types([1] * (n - 2) + [3, 3])
    w.add_token_merges([" ".join(m) for m in merges])
    w.add_bos_token_id(n - 2)
    w.add_eos_token_id(n - 1)


def spm(w):
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>"] + [f"<0x{b:02X}>" for b in range(256)]
    words = ["▁t", "he", "in", "▁the", "▁", "e", "t", "a", "o", "n", "i", "h", "s", "r"]
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list(tokens + words)
    w.add_token_scores([0.0] * len(tokens) + [-float(i) for i in range(len(words))])
    w.add_token_types([3, 3, 3, 2] + [6] * 256 + [1] * len(words))
    w.add_bos_token_id(2)
    w.add_eos_token_id(1)
    w.add_unk_token_id(3)
    w.add_pad_token_id(0)
    w.add_add_space_prefix(False)


def gguf_name(name, arch):
    if not name.startswith("model.layers."):
        return {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
                "lm_head.weight": "output.weight"}[name]
    _, _, i, rest = name.split(".", 3)
    stem, kind = rest.rsplit(".", 1)
    own = ({"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
            "post_feedforward_layernorm": "post_ffw_norm"} if arch == "gemma3"
           else {"post_attention_layernorm": "ffn_norm"})
    return f"blk.{i}.{NAMES.get(stem) or own[stem]}.{kind}"


def permute(a, heads):
    return a.reshape(heads, 2, a.shape[0] // heads // 2, *a.shape[1:]).swapaxes(1, 2).reshape(a.shape)


def llama_options(w, model):
    """What a file says beside the sizes: a window, a scaling of the rotation."""
    c, rope = model.config, model.config.rope_parameters
    if getattr(c, "sliding_window", None):
        w.add_sliding_window(c.sliding_window)
    if c.head_dim != c.hidden_size // c.num_attention_heads:
        w.add_key_length(c.head_dim)
        w.add_value_length(c.head_dim)
    if rope["rope_type"] == "yarn":
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(rope["factor"])
        w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if rope["rope_type"] == "llama3":
        plain = 1.0 / rope["rope_theta"] ** (np.arange(0, c.head_dim, 2) / c.head_dim)
        w.add_tensor("rope_freqs.weight", (plain / model.model.rotary_emb.inv_freq.numpy()).astype(np.float32))


def make(name, arch, model, hidden, ff, vocab, bos, adds_bos, mixed=False):
    rng = np.random.default_rng(20240415)
    path = os.path.join(OUT, name)
    w = gguf.GGUFWriter(path + ".gguf", arch)
    w.add_name(name)
    c = model.config
    w.add_context_length(CTX)
    w.add_embedding_length(hidden)
    w.add_block_count(model.config.num_hidden_layers)
    w.add_feed_forward_length(ff)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(c.num_key_value_heads)
    w.add_layer_norm_rms_eps(EPS)
    w.add_rope_freq_base(1e6 if arch == "gemma3" else 10000.0)
    w.add_file_type(0)
    if arch == "gemma3":
        w.add_key_length(DIM)
        w.add_value_length(DIM)
        w.add_sliding_window(16)
        spm(w)
    else:
        if arch == "llama":
            w.add_rope_dimension_count(c.head_dim)
            w.add_vocab_size(vocab)
            llama_options(w, model)
        bpe(w)
    w.add_add_bos_token(adds_bos)
    tied = model.config.tie_word_embeddings
    with torch.no_grad():
        for key, p in model.named_parameters():
            if tied and key == "lm_head.weight":
                continue
            norm = "norm" in key
            if norm:
                a = 0.1 * rng.standard_normal(p.shape) + (0.0 if arch == "gemma3" else 1.0)
            elif key.endswith(".bias"):
                a = 0.2 * rng.standard_normal(p.shape)
            elif "embed" in key or "lm_head" in key:
                a = 0.3 * rng.standard_normal(p.shape)
            else:
                a = 1.3 * rng.standard_normal(p.shape) / np.sqrt(p.shape[1])
            a = np.ascontiguousarray(a, dtype=np.float32)
            kind = Q.F32
            if mixed and a.ndim == 2:
                kind = Q.Q8_0 if "embed" in key or "lm_head" in key or "down" in key or "v_proj" in key else Q.Q4_0
                a = gguf.quants.dequantize(gguf.quants.quantize(a, kind), kind)
            p.copy_(torch.from_numpy(a))
            if norm and arch == "gemma3":
                a = a + np.float32(1)
            if arch == "llama" and "q_proj" in key:
                a = permute(a, c.num_attention_heads)
            if arch == "llama" and "k_proj" in key:
                a = permute(a, c.num_key_value_heads)
            a = np.ascontiguousarray(a)
            if kind == Q.F32:
                w.add_tensor(gguf_name(key, arch), a)
            else:
                q = gguf.quants.quantize(a, kind)
                assert np.array_equal(gguf.quants.dequantize(q, kind), a), key
                w.add_tensor(gguf_name(key, arch), q, raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    ids = [bos] + rng.integers(4, vocab - 2, 119).tolist()
    with torch.no_grad():
        logp = torch.log_softmax(model.eval()(torch.tensor([ids])).logits[0, :-1].double(), -1)
    nats = [-logp[i, t].item() for i, t in enumerate(ids[1:])]
    with open(path + ".nats", "w") as f:
        f.write(" ".join(map(str, ids)) + "\n" + " ".join(f"{x:.9f}" for x in nats) + "\n")
    print(name, os.path.getsize(path + ".gguf"), "bytes, mean nats", sum(nats) / len(nats))


def config(cls, hidden, ff, layers, vocab, tied, heads=HEADS, kv=KV, dim=DIM, **more):
    c = cls(hidden_size=hidden, intermediate_size=ff, num_hidden_layers=layers, vocab_size=vocab,
            num_attention_heads=heads, num_key_value_heads=kv, head_dim=dim, rms_norm_eps=EPS,
            max_position_embeddings=CTX, tie_word_embeddings=tied, bos_token_id=1, eos_token_id=1,
            pad_token_id=0, **more)
    c._attn_implementation = "eager"
    return c


torch.set_num_threads(1)
os.makedirs(OUT, exist_ok=True)
V = 268
for mixed in (False, True):
    make("tiny-llama-mixed" if mixed else "tiny-llama", "llama",
         LlamaForCausalLM(config(LlamaConfig, 64, 96, 2, V, False)).float(), 64, 96, V, V - 2, True, mixed)
make("tiny-qwen2", "qwen2", Qwen2ForCausalLM(config(Qwen2Config, 64, 64, 3, V, True)).float(),
     64, 64, V, V - 2, False)
G = 274
make("tiny-gemma3", "gemma3", Gemma3ForCausalLM(config(
    Gemma3TextConfig, 32, 32, 7, G, True, sliding_window=16, query_pre_attn_scalar=DIM,
    layer_types=["full_attention" if i % 6 == 5 else "sliding_attention" for i in range(7)],
)).float(), 32, 32, G, 2, True)

# 6 query heads to 2 key heads, and one option of Llama's each.
SCALED = {"rope_theta": 10000.0, "original_max_position_embeddings": 32}
for name, cls, options in (
        ("tiny-llama-3", (LlamaConfig, LlamaForCausalLM), {"rope_parameters": {
            **SCALED, "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}}),
        ("tiny-llama-window", (MistralConfig, MistralForCausalLM), {"sliding_window": 20}),
        ("tiny-llama-yarn", (LlamaConfig, LlamaForCausalLM), {"rope_parameters": {
            **SCALED, "rope_type": "yarn", "factor": 4.0}})):
    make(name, "llama", cls[1](config(cls[0], 24, 32, 2, V, True, 6, 2, 8, **options)).float(), 24, 32, V, V - 2, True)
