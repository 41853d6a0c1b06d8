"""Tiny random-weight models of every architecture, as the Hugging Face folders that a publisher would upload, with the nats that transformers finds.

    python make_tiny_folders.py OUT SEED [--only NAME,NAME..] [--check] [--list]

Each folder OUT/NAME has config.json (in the form that the published models use, not the one that today's transformers writes), *.safetensors (one file, or several with an
index; F32, F16 or BF16), a real small tokenizer, and expected.json (see tests/golden/README.md). Another SEED gives other sizes, heads, weights and storage types: a hidden set.
Weights lie on a coarse grid (a small integer times a power of two), exact in every storage type, so that a folder packs to a few tens of kilobytes; cases marked `fine` hold full
random numbers. --check zeroes every parameter, and undoes every option named under `undo`, and tells by how much the nats move; it also recomputes in double."""
import argparse, copy, json, math, os, random, shutil, sys, tempfile, warnings, zlib

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tiny_text

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
WINDOW = 384  # tokens of the long text: prose, then mixed, cut here
CASES = {}


def case(name, tokenizer, undo=(), **options):
    """Registers a function (r, d) -> config. r: the case's own random numbers; d: its sizes. Options: shards, dtype, heads, hd, rows, pad, fine, derive, published (what is in published files beside)."""
    def register(f):
        CASES[name] = dict(make=f, tokenizer=tokenizer, undo=undo, **options)
        return f
    return register


class Sizes:
    """Heads, widths and vocabulary of a case. kv: 'mha', 'gqa' or 'mqa'."""
    def __init__(self, r, vocab):
        self.heads, self.hd = r.choice([(4, 8), (4, 12), (6, 8)])
        self.groups = r.choice([2, self.heads // 2])  # key heads of grouped attention
        self.v = vocab

    def settle(self, r):
        self.h = self.heads * self.hd
        self.ff = 4 * r.randrange(self.h // 4 + 1, self.h // 3 + 1)


def llama(d, arch="LlamaForCausalLM", kind="llama", kv=None, **more):
    c = dict(architectures=[arch], model_type=kind, hidden_act="silu", hidden_size=d.h, intermediate_size=d.ff, max_position_embeddings=512, num_attention_heads=d.heads, num_hidden_layers=2,
             num_key_value_heads=d.groups if kv is None else kv, rms_norm_eps=1e-5, tie_word_embeddings=False, vocab_size=d.v)
    c.update(more)
    return c


# ---- Llama and what is built like it
@case("llama-mha", ("spm", "llama", ("model",)), undo=[dict(rms_norm_eps=1e-2)], fine=True, dtype="F16", shards=3, heads=4, hd=8, published="inv_freq")
def _(r, d):  # Llama 1 and 2: no rope keys at all in the oldest configs; SentencePiece file only; F16; three shards
    c = llama(d, kv=d.heads, rms_norm_eps=1e-6, max_position_embeddings=2048)
    if r.random() < 0.5:
        c.pop("num_key_value_heads")  # Llama 1: absent, as many as heads
    return c

@case("llama-gqa", ("spm", "llama", ("model", "json")), undo=[dict(rope_theta=1e4)], shards=2)
def _(r, d):  # Llama-2-70B, CodeLlama-34B, Llemma: grouped heads, base 1e6
    return llama(d, rope_theta=1000000, attention_bias=False, pretraining_tp=1)

@case("llama-mqa-tied", ("bpe", "starcoder"), undo=[dict(rope_theta=5e5)])
def _(r, d):  # SmolLM: tied, byte-level BPE
    return llama(d, kv=1, tie_word_embeddings=True, rope_theta=10000.0, rope_scaling=None)

@case("llama-bias-headdim", ("bpe", "gpt2"))
def _(r, d):  # every bias, and a head that is not hidden_size / heads
    return llama(d, attention_bias=True, mlp_bias=True, head_dim=d.hd + r.choice([4, 8]))

@case("llama-f32", ("bpe", "llama3"), fine=True, dtype="F32", shards=2, heads=4, hd=8)
def _(r, d):
    return llama(d, rope_theta=500000.0)

@case("llama-linear", ("bpe", "deepseek-coder"), undo=[dict(rope_scaling=None), dict(rope_theta=1e4)])
def _(r, d):  # DeepSeek-Coder: base 1e5, positions divided by 4, the older key "type"
    return llama(d, kv=d.heads, rope_theta=100000, rope_scaling=dict(type="linear", factor=4.0), rms_norm_eps=1e-6)

@case("llama-dynamic", ("spm", "llama", ("json",)), pad=0, undo=[dict(rope_scaling=None)])
def _(r, d):  # dynamic NTK: the base grows with the length of the whole input once it exceeds max_position_embeddings
    return llama(d, rope_scaling=dict(type="dynamic", factor=2.0), max_position_embeddings=r.choice([48, 64, 80]))

@case("llama-yarn", ("bpe", "gpt2"), undo=[dict(rope_scaling=None)])
def _(r, d):
    return llama(d, rope_theta=10000.0, rope_scaling=dict(rope_type="yarn", factor=r.choice([4.0, 8.0]), original_max_position_embeddings=64))

@case("llama3", ("bpe", "llama3"), undo=[dict(rope_scaling=None), dict(rope_theta=10000.0)])
def _(r, d):  # Llama 3.1, 3.2: three ranges of frequencies; 3.2 is tied and names its head_dim
    return llama(d, rope_theta=500000.0, head_dim=d.hd, tie_word_embeddings=True, rope_scaling=dict(rope_type="llama3", factor=r.choice([8.0, 32.0]), low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=48))

@case("yi", ("spm", "yi", ("model", "json")), undo=[dict(rope_theta=1e4)])
def _(r, d):  # Yi: Llama with base 5e6, no dummy prefix, no BOS
    return llama(d, rope_theta=5000000.0, rope_scaling=None)

@case("deepseek-llm", ("bpe", "deepseek-llm"))
def _(r, d):  # DeepSeek-LLM 7B, DeepSeek-Math: Llama; 67B has grouped heads
    return llama(d, rms_norm_eps=1e-6)

@case("internlm", ("spm", "llama", ("model",)), derive="internlm")
def _(r, d):  # InternLM 1: Llama with biases on query, key, value and output; remote code
    return llama(d, kv=d.heads, attention_bias=True, rms_norm_eps=1e-6)

@case("internlm2", ("spm", "llama", ("model",)), pad=0, derive="internlm2", undo=[dict(rope_theta=1e4)])
def _(r, d):  # InternLM 2: query, key and value interleaved by key head in one matrix; remote code
    return llama(d, rope_theta=1000000.0)

@case("smollm3", ("bpe", "llama3"), heads=4, hd=8, undo=[dict(no_rope_layers=[1, 1, 1, 1])])
def _(r, d):  # layers without rotation
    return llama(d, "SmolLM3ForCausalLM", "smollm3", num_hidden_layers=4, rope_theta=5000000.0, no_rope_layers=[1, 1, 1, 0], no_rope_layer_interval=4, tie_word_embeddings=True, sliding_window=None,
                 use_sliding_window=False, layer_types=["full_attention"] * 4, pad_token_id=0, bos_token_id=1, eos_token_id=2)

@case("mistral-window", ("spm", "llama", ("model", "json")), undo=[dict(sliding_window=None)])
def _(r, d):  # Mistral 7B v0.1
    return llama(d, "MistralForCausalLM", "mistral", sliding_window=r.choice([24, 32, 40]), rope_theta=10000.0)

@case("mistral-headdim", ("bpe", "gpt2"), undo=[dict(rope_theta=1e4)])
def _(r, d):  # Mistral-Nemo: head_dim named, no window
    return llama(d, "MistralForCausalLM", "mistral", sliding_window=None, rope_theta=1000000.0, head_dim=d.hd + 4)

@case("mixtral", ("spm", "llama", ("model",)), shards=2)
def _(r, d):
    return llama(d, "MixtralForCausalLM", "mixtral", intermediate_size=d.ff // 2, num_local_experts=r.choice([4, 5]), num_experts_per_tok=2, sliding_window=None, rope_theta=1000000.0)

# ---- Qwen
@case("qwen1", ("tiktoken", None), derive="qwen", dtype="BF16")
def _(r, d):  # Qwen 7B, 14B, 72B within their training length; remote code
    return llama(d, "Qwen2ForCausalLM", "qwen2", kv=d.heads, rms_norm_eps=1e-6, rope_theta=10000.0)

@case("qwen1-long", ("tiktoken", None), derive="qwen-long", dtype="BF16")
def _(r, d):  # beyond seq_length: dynamic NTK base and log-n scaled queries
    return llama(d, "Qwen2ForCausalLM", "qwen2", kv=d.heads, rms_norm_eps=1e-6, rope_theta=10000.0)

@case("qwen2", ("bpe", "qwen2"), undo=[dict(rope_theta=1e4)])
def _(r, d):  # Qwen1.5, Qwen2: sliding_window is set but use_sliding_window is false
    return llama(d, "Qwen2ForCausalLM", "qwen2", rms_norm_eps=1e-6, rope_theta=1000000.0, use_sliding_window=False, sliding_window=16, max_window_layers=1)

@case("qwen2-window-tied", ("bpe", "qwen2"), undo=[dict(use_sliding_window=False), dict(max_window_layers=0)])
def _(r, d):  # layers from max_window_layers on slide
    return llama(d, "Qwen2ForCausalLM", "qwen2", num_hidden_layers=3, rms_norm_eps=1e-6, rope_theta=1000000.0, use_sliding_window=True, sliding_window=r.choice([24, 32]), max_window_layers=2, tie_word_embeddings=True)

@case("qwen2moe", ("bpe", "qwen2"), undo=[dict(norm_topk_prob=True)])
def _(r, d):  # routed weights as they are; one shared expert behind a sigmoid gate
    return llama(d, "Qwen2MoeForCausalLM", "qwen2_moe", rms_norm_eps=1e-6, rope_theta=1000000.0, num_experts=r.choice([5, 6]), num_experts_per_tok=r.choice([2, 3]), moe_intermediate_size=32,
                 shared_expert_intermediate_size=r.choice([40, 56]), norm_topk_prob=False, decoder_sparse_step=1, use_sliding_window=False, sliding_window=16, max_window_layers=1)

@case("qwen2moe-dense-layer", ("bpe", "qwen2"), heads=4, hd=8)
def _(r, d):  # mlp_only_layers and decoder_sparse_step name dense layers; weights normalised
    return llama(d, "Qwen2MoeForCausalLM", "qwen2_moe", num_hidden_layers=3, rms_norm_eps=1e-6, rope_theta=10000.0, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, shared_expert_intermediate_size=32,
                 norm_topk_prob=True, decoder_sparse_step=1, mlp_only_layers=[r.choice([0, 1])])

@case("qwen3", ("bpe", "qwen2"))
def _(r, d):
    return llama(d, "Qwen3ForCausalLM", "qwen3", head_dim=d.hd + 4, rms_norm_eps=1e-6, rope_theta=1000000.0, attention_bias=False, use_sliding_window=False, sliding_window=None, max_window_layers=2, tie_word_embeddings=r.random() < 0.5)

@case("qwen3moe", ("bpe", "qwen2"), undo=[dict(norm_topk_prob=False)])
def _(r, d):
    return llama(d, "Qwen3MoeForCausalLM", "qwen3_moe", head_dim=d.hd + 4, rms_norm_eps=1e-6, rope_theta=1000000.0, num_experts=r.choice([5, 6]), num_experts_per_tok=r.choice([2, 3]), moe_intermediate_size=28,
                 norm_topk_prob=True, decoder_sparse_step=1, mlp_only_layers=[], attention_bias=False, use_sliding_window=False)

# ---- DeepSeek-V2 and V3: latent attention
def mla(d, arch, kind, **more):
    c = llama(d, arch, kind, kv=d.heads, rms_norm_eps=1e-6, num_hidden_layers=3, kv_lora_rank=20, q_lora_rank=None, qk_nope_head_dim=12, qk_rope_head_dim=8, v_head_dim=16, first_k_dense_replace=1, moe_layer_freq=1,
              moe_intermediate_size=20, n_routed_experts=8, num_experts_per_tok=2, n_shared_experts=2, rope_theta=10000, attention_bias=False)
    c.update(more)
    return c

YARN = dict(type="yarn", beta_fast=32, beta_slow=1, factor=40, original_max_position_embeddings=64)

@case("deepseek2-lite", ("bpe", "deepseek-llm"), heads=4, hd=8, undo=[dict(rope_scaling=None), dict(routed_scaling_factor=2.0)])
def _(r, d):  # V2-Lite: no latent query
    return mla(d, "DeepseekV2ForCausalLM", "deepseek_v2", topk_method="greedy", n_group=1, topk_group=1, norm_topk_prob=False, scoring_func="softmax", routed_scaling_factor=1.0,
               rope_scaling=dict(YARN, mscale=0.707, mscale_all_dim=0.707))

@case("deepseek2", ("bpe", "deepseek-llm"), heads=4, hd=8, undo=[dict(topk_method="greedy"), dict(routed_scaling_factor=1.0)])
def _(r, d):  # V2: latent query, experts in groups, routed weights scaled and not normalised
    return mla(d, "DeepseekV2ForCausalLM", "deepseek_v2", q_lora_rank=r.choice([24, 28]), topk_method="group_limited_greedy", n_group=4, topk_group=2, num_experts_per_tok=3, norm_topk_prob=False, scoring_func="softmax",
               routed_scaling_factor=r.choice([3.0, 4.0]), rope_scaling=dict(YARN, mscale=0.707, mscale_all_dim=0.707))

@case("deepseek2-plain", ("bpe", "deepseek-llm"), heads=4, hd=8)
def _(r, d):  # as V2, one group and no scaling of positions: what every converter and runtime agrees on
    return mla(d, "DeepseekV2ForCausalLM", "deepseek_v2", q_lora_rank=24, topk_method="greedy", n_group=1, topk_group=1, norm_topk_prob=False, scoring_func="softmax", routed_scaling_factor=2.0)

@case("deepseek3", ("bpe", "deepseek-llm"), heads=4, hd=8, published="mtp", undo=[dict(routed_scaling_factor=1.0), dict(norm_topk_prob=False), dict(topk_group=4), dict(rope_scaling=None)])
def _(r, d):  # V3: sigmoid scores, a bias that only chooses, groups by their two best, weights normalised and scaled
    return mla(d, "DeepseekV3ForCausalLM", "deepseek_v3", q_lora_rank=24, topk_method="noaux_tc", n_group=4, topk_group=2, num_experts_per_tok=3, n_shared_experts=1, norm_topk_prob=True, scoring_func="sigmoid",
               routed_scaling_factor=2.5, num_nextn_predict_layers=1, rope_scaling=dict(YARN, mscale=1.0, mscale_all_dim=1.0))

# ---- Falcon
def falcon(d, **more):
    c = dict(architectures=["FalconForCausalLM"], model_type="falcon", alibi=False, apply_residual_connection_post_layernorm=False, bias=False, hidden_size=d.h, layer_norm_epsilon=1e-5, multi_query=True, new_decoder_architecture=False,
             num_attention_heads=d.heads, num_hidden_layers=2, parallel_attn=True, vocab_size=d.v, attention_dropout=0.0, hidden_dropout=0.0)
    c.update(more)
    return c

@case("falcon-7b", ("bpe", "falcon"), published="lm_head")
def _(r, d):  # one key head, one norm for both branches
    return falcon(d)

@case("falcon-40b", ("bpe", "falcon"))
def _(r, d):  # key heads interleaved with their queries, a norm a branch
    return falcon(d, new_decoder_architecture=True, num_kv_heads=2, bias=False)

@case("falcon-11b", ("bpe", "falcon"))
def _(r, d):  # Falcon 2: grouped, but one norm; published config names rope_theta and ffn_hidden_size
    return falcon(d, new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1, rope_theta=500042.0, ffn_hidden_size=4 * d.h, tie_word_embeddings=False, max_position_embeddings=512)

@case("falcon-rw", ("bpe", "falcon"), undo=[dict(alibi=False)])
def _(r, d):  # Falcon-RW: ALiBi, biases, one branch after the other, query, key, value interleaved a head
    return falcon(d, alibi=True, multi_query=False, parallel_attn=False, bias=True)

# ---- GPT-2 and StarCoder: learned positions
def gpt2(d, arch, kind, pos, **more):
    c = dict(architectures=[arch], model_type=kind, n_embd=d.h, n_head=d.heads, n_layer=2, n_positions=pos, n_ctx=pos, n_inner=None, activation_function="gelu_new", layer_norm_epsilon=1e-5, vocab_size=d.v, attn_pdrop=0.1,
             embd_pdrop=0.1, resid_pdrop=0.1, scale_attn_weights=True, bos_token_id=0, eos_token_id=0)
    c.update(more)
    return c

@case("gpt2", ("bpe", "gpt2"), published="gpt2", undo=[dict(activation_function="gelu")])
def _(r, d):
    return gpt2(d, "GPT2LMHeadModel", "gpt2", WINDOW)

@case("gpt2-options", ("bpe", "gpt2"), undo=[dict(scale_attn_by_inverse_layer_idx=False), dict(activation_function="gelu_new")])
def _(r, d):  # scores divided by the layer's number, x * sigmoid(1.702 x), an inner width of its own
    return gpt2(d, "GPT2LMHeadModel", "gpt2", WINDOW, scale_attn_by_inverse_layer_idx=True, activation_function="quick_gelu", n_inner=3 * d.h, tie_word_embeddings=False)

@case("starcoder", ("bpe", "starcoder"))
def _(r, d):  # StarCoderBase: one key head
    return gpt2(d, "GPTBigCodeForCausalLM", "gpt_bigcode", WINDOW, multi_query=True, activation_function="gelu", attention_softmax_in_fp32=True, scale_attention_softmax_in_fp32=True)

@case("bigcode-mha", ("bpe", "starcoder"))
def _(r, d):
    return gpt2(d, "GPTBigCodeForCausalLM", "gpt_bigcode", WINDOW, multi_query=False, activation_function="gelu_pytorch_tanh")

@case("starcoder2", ("bpe", "starcoder"), undo=[dict(sliding_window=None), dict(rope_theta=1e4), dict(hidden_act="gelu")])
def _(r, d):
    return dict(architectures=["Starcoder2ForCausalLM"], model_type="starcoder2", activation_function="gelu", hidden_act="gelu_pytorch_tanh", hidden_size=d.h, intermediate_size=d.ff, max_position_embeddings=512, mlp_type="default",
                norm_epsilon=1e-5, norm_type="layer_norm", num_attention_heads=d.heads, num_hidden_layers=2, num_key_value_heads=d.groups, rope_theta=1000000, sliding_window=r.choice([32, 40]), use_bias=True, vocab_size=d.v,
                bos_token_id=0, eos_token_id=0)

@case("starcoder2-untied", ("bpe", "starcoder"))
def _(r, d):  # no window, untied
    c = CASES["starcoder2"]["make"](r, d)
    c.update(sliding_window=None, tie_word_embeddings=False, rope_theta=100000)
    return c

# ---- MPT, BLOOM: ALiBi
def mpt(d, **attn):
    a = dict(alibi=True, alibi_bias_max=8, attn_impl="torch", attn_pdrop=0, attn_type="multihead_attention", attn_uses_sequence_id=False, clip_qkv=None, prefix_lm=False, qk_ln=False, softmax_scale=None)
    a.update(attn)
    return dict(architectures=["MPTForCausalLM"], model_type="mpt", d_model=d.h, n_heads=d.heads, n_layers=2, expansion_ratio=4, max_seq_len=512, vocab_size=d.v, attn_config=a, emb_pdrop=0, embedding_fraction=1.0,
                learned_pos_emb=True, logit_scale=None, no_bias=True, norm_type="low_precision_layernorm", resid_pdrop=0, use_cache=False, verbose=0)

@case("mpt", ("bpe", "neox"), heads=6)
def _(r, d):  # six heads: not a power of two, so slopes are taken in two runs
    return mpt(d)

@case("mpt-clip", ("bpe", "neox"), undo=[dict(attn_config=dict(clip_qkv=None))], heads=4)
def _(r, d):  # MPT-30B and others: query, key, value cut off
    return mpt(d, clip_qkv=1.5)

@case("bloom", ("bpe", "bloom"), heads=6, published="noprefix")
def _(r, d):
    return dict(architectures=["BloomForCausalLM"], model_type="bloom", hidden_size=d.h, n_head=d.heads, n_layer=2, layer_norm_epsilon=1e-5, apply_residual_connection_post_layernorm=False, vocab_size=d.v,
                attention_dropout=0.0, hidden_dropout=0.0, pretraining_tp=1, bos_token_id=1, eos_token_id=2, seq_length=512)

# ---- GPT-NeoX, GPT-J, Phi, StableLM: partial rotation, parallel branches
def neox(d, **more):
    c = dict(architectures=["GPTNeoXForCausalLM"], model_type="gpt_neox", hidden_act="gelu", hidden_size=d.h, intermediate_size=4 * d.h, layer_norm_eps=1e-5, max_position_embeddings=512, num_attention_heads=d.heads, num_hidden_layers=2,
             rotary_emb_base=10000, rotary_pct=0.25, use_parallel_residual=True, tie_word_embeddings=False, vocab_size=d.v, bos_token_id=0, eos_token_id=0)
    c.update(more)
    return c

@case("pythia", ("bpe", "neox"), undo=[dict(use_parallel_residual=False), dict(rotary_pct=0.5), dict(hidden_act="gelu_new")], hd=16, published="neox")
def _(r, d):
    return neox(d)

@case("neox-sequential", ("bpe", "neox"), undo=[dict(rotary_emb_base=10000)], hd=8)
def _(r, d):
    return neox(d, use_parallel_residual=False, rotary_pct=r.choice([0.5, 1.0]), rotary_emb_base=r.choice([1000, 50000]), hidden_act="gelu_fast", attention_bias=True)

@case("gptj", ("bpe", "gpt2"), undo=[dict(rotary_dim=4)], hd=16)
def _(r, d):  # neighbouring pairs turn; a bias on the vocabulary
    return dict(architectures=["GPTJForCausalLM"], model_type="gptj", activation_function="gelu_new", n_embd=d.h, n_head=d.heads, n_layer=2, n_positions=512, n_inner=None, rotary_dim=8, rotary=True, layer_norm_epsilon=1e-5,
                tie_word_embeddings=False, vocab_size=d.v, bos_token_id=0, eos_token_id=0, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)

def phi(d, **more):
    c = dict(architectures=["PhiForCausalLM"], model_type="phi", hidden_act="gelu_new", hidden_size=d.h, intermediate_size=4 * d.h, layer_norm_eps=1e-5, max_position_embeddings=512, num_attention_heads=d.heads, num_hidden_layers=2,
             num_key_value_heads=None, partial_rotary_factor=0.5, qk_layernorm=False, rope_theta=10000.0, rope_scaling=None, tie_word_embeddings=False, vocab_size=d.v)
    c.update(more)
    return c

@case("phi", ("bpe", "gpt2"), undo=[dict(partial_rotary_factor=1.0)], hd=16)
def _(r, d):  # Phi-1, 1.5, 2
    return phi(d, partial_rotary_factor=r.choice([0.375, 0.5]))

@case("phi-qknorm-gqa", ("bpe", "gpt2"), hd=8, heads=4)
def _(r, d):
    return phi(d, num_key_value_heads=2, qk_layernorm=True, intermediate_size=d.ff)

@case("phi3", ("spm", "llama", ("model", "json")), undo=[dict(sliding_window=None)])
def _(r, d):  # Phi-3-mini: one matrix for query, key, value, one for gate and up
    return llama(d, "Phi3ForCausalLM", "phi3", sliding_window=r.choice([24, 32]), original_max_position_embeddings=512, rope_theta=10000.0, rope_scaling=None, pad_token_id=0)

@case("phi3-longrope", ("spm", "llama", ("model",)), undo=[dict(original_max_position_embeddings=512)], hd=12)
def _(r, d):  # a factor a frequency: short up to original_max_position_embeddings tokens of input, long beyond; magnitude from the ratio of the two lengths
    f = lambda lo, hi: [round(r.uniform(lo, hi), 3) for _ in range(d.hd // 2)]
    return llama(d, "Phi3ForCausalLM", "phi3", sliding_window=512, original_max_position_embeddings=r.choice([256, 288]), max_position_embeddings=4096, rope_theta=10000.0,
                 rope_scaling=dict(type="longrope", short_factor=f(1.0, 2.0), long_factor=sorted(f(1.0, 30.0))), pad_token_id=0)

@case("phi4-mini", ("bpe", "gpt2"), undo=[dict(partial_rotary_factor=1.0, rope_scaling=None)], hd=16)
def _(r, d):
    n = d.hd * 3 // 4 // 2
    return llama(d, "Phi3ForCausalLM", "phi3", sliding_window=512, original_max_position_embeddings=64, max_position_embeddings=2048, partial_rotary_factor=0.75, rope_theta=10000.0, tie_word_embeddings=True,
                 rope_scaling=dict(type="longrope", short_factor=[1.0] * n, long_factor=[round(1 + 2.5 * i * i, 2) for i in range(n)]), pad_token_id=0)

def stablelm(d, **more):
    c = llama(d, "StableLmForCausalLM", "stablelm", kv=d.heads, layer_norm_eps=1e-5, partial_rotary_factor=0.25, qk_layernorm=False, use_parallel_residual=False, use_qkv_bias=False, rope_theta=10000, bos_token_id=0, eos_token_id=0)
    c.pop("rms_norm_eps")
    c.update(more)
    return c

@case("stablelm-3b", ("bpe", "neox"), undo=[dict(partial_rotary_factor=0.5)], hd=16)
def _(r, d):
    return stablelm(d)

@case("stablelm-2", ("bpe", "qwen2"), hd=16)
def _(r, d):  # 1.6B: biases
    return stablelm(d, use_qkv_bias=True)

@case("stablelm-2-12b", ("bpe", "qwen2"), hd=8, heads=4)
def _(r, d):  # grouped, a norm of its own for each head, parallel branches
    return stablelm(d, num_key_value_heads=2, qk_layernorm=True, use_parallel_residual=True, partial_rotary_factor=0.5)

# ---- OPT
def opt(d, **more):
    c = dict(architectures=["OPTForCausalLM"], model_type="opt", activation_function="relu", attention_dropout=0.0, dropout=0.1, do_layer_norm_before=True, ffn_dim=4 * d.h, hidden_size=d.h, max_position_embeddings=WINDOW,
             num_attention_heads=d.heads, num_hidden_layers=2, vocab_size=d.v, word_embed_proj_dim=d.h, bos_token_id=0, eos_token_id=0, pad_token_id=1, prefix="</s>")
    c.update(more)
    return c

@case("opt", ("bpe", "opt"), heads=4, hd=8)
def _(r, d):  # positions start at row 2 of their table
    return opt(d)

@case("opt-350m", ("bpe", "opt"))
def _(r, d):  # norms behind the branches, embeddings narrower than the layers, no last norm
    return opt(d, do_layer_norm_before=False, word_embed_proj_dim=d.h // 2)

# ---- OLMo, Granite, Nemotron, Cohere
@case("olmo", ("bpe", "neox"), undo=[dict(clip_qkv=None)])
def _(r, d):  # norms without parameters
    c = llama(d, "OlmoForCausalLM", "olmo", clip_qkv=r.choice([1.0, 1.5]), rope_theta=10000.0, attention_bias=False)
    c.pop("rms_norm_eps")
    return c

@case("olmo2", ("bpe", "neox"))
def _(r, d):  # norms behind the branches, query and key normed over all heads at once
    return llama(d, "Olmo2ForCausalLM", "olmo2", kv=d.heads, rope_theta=500000, rms_norm_eps=1e-6, attention_bias=False)

@case("olmo2-gqa", ("bpe", "neox"))
def _(r, d):
    return llama(d, "Olmo2ForCausalLM", "olmo2", rope_theta=500000, rms_norm_eps=1e-6, attention_bias=False)

@case("olmo3", ("bpe", "neox"), undo=[dict(layer_types=["full_attention"] * 3)])
def _(r, d):
    return llama(d, "Olmo3ForCausalLM", "olmo3", num_hidden_layers=3, sliding_window=r.choice([24, 32]), layer_types=["sliding_attention", "sliding_attention", "full_attention"], rope_theta=500000, rms_norm_eps=1e-6)

@case("olmoe", ("bpe", "neox"), undo=[dict(norm_topk_prob=True)])
def _(r, d):
    return llama(d, "OlmoeForCausalLM", "olmoe", kv=d.heads, intermediate_size=32, num_experts=r.choice([5, 6]), num_experts_per_tok=3, norm_topk_prob=False, clip_qkv=None, rope_theta=10000.0)

@case("granite", ("bpe", "starcoder"), undo=[dict(embedding_multiplier=1.0), dict(residual_multiplier=1.0), dict(attention_multiplier=0.3), dict(logits_scaling=1.0)])
def _(r, d):
    return llama(d, "GraniteForCausalLM", "granite", attention_multiplier=r.choice([0.25, 0.5]), embedding_multiplier=r.choice([6.0, 12.0]), residual_multiplier=r.choice([0.22, 0.4]), logits_scaling=r.choice([1.5, 2.5]), rope_theta=10000.0,
                 attention_bias=r.random() < 0.5, mlp_bias=False, tie_word_embeddings=True)

@case("granitemoe", ("bpe", "starcoder"))
def _(r, d):  # stored as stacked experts with gate and up in one
    return llama(d, "GraniteMoeForCausalLM", "granitemoe", intermediate_size=28, num_local_experts=5, num_experts_per_tok=r.choice([2, 3]), attention_multiplier=0.25, embedding_multiplier=12.0, residual_multiplier=0.3, logits_scaling=2.0,
                 rope_theta=10000.0, tie_word_embeddings=True)

@case("nemotron", ("spm", "llama", ("model",)), hd=12, undo=[dict(hidden_act="relu"), dict(partial_rotary_factor=0.25)])
def _(r, d):  # squared ReLU, LayerNorm with weight + 1, half of a head turns
    c = llama(d, "NemotronForCausalLM", "nemotron", hidden_act="relu2", norm_eps=1e-5, partial_rotary_factor=0.5, rope_theta=10000.0, head_dim=d.hd)
    c.pop("rms_norm_eps")
    return c

@case("cohere", ("bpe", "qwen2"), undo=[dict(logit_scale=1.0)])
def _(r, d):  # Command R: neighbouring pairs turn, LayerNorm without bias, parallel branches, logits scaled
    c = llama(d, "CohereForCausalLM", "cohere", layer_norm_eps=1e-5, logit_scale=r.choice([1.5, 0.75]), rope_theta=10000.0, use_qk_norm=False, tie_word_embeddings=True)
    c.pop("rms_norm_eps")
    return c

@case("cohere-qknorm", ("bpe", "qwen2"))
def _(r, d):
    c = CASES["cohere"]["make"](r, d)
    c.update(use_qk_norm=True)
    return c

# ---- Gemma
def gemma(d, arch, kind, **more):
    c = llama(d, arch, kind, head_dim=d.hd + 4, rms_norm_eps=1e-6, rope_theta=10000.0, attention_bias=False, hidden_act="gelu_pytorch_tanh", hidden_activation="gelu_pytorch_tanh", pad_token_id=0, eos_token_id=1, bos_token_id=2)
    c.pop("tie_word_embeddings")  # tied, and not said so
    c.update(more)
    return c

@case("gemma", ("spm", "gemma", ("model", "json")))
def _(r, d):  # 2B: one key head; hidden_act says gelu and means its tanh form
    return gemma(d, "GemmaForCausalLM", "gemma", num_key_value_heads=1, hidden_act="gelu", hidden_activation=None)

@case("gemma2", ("spm", "gemma", ("model",)), undo=[dict(attn_logit_softcapping=None), dict(final_logit_softcapping=None), dict(sliding_window=512), dict(query_pre_attn_scalar=8)])
def _(r, d):
    return gemma(d, "Gemma2ForCausalLM", "gemma2", num_hidden_layers=3, query_pre_attn_scalar=r.choice([20, 28]), sliding_window=r.choice([24, 32]), attn_logit_softcapping=r.choice([3.0, 5.0]), final_logit_softcapping=r.choice([4.0, 6.0]), cache_implementation="hybrid")

@case("gemma2-scale", ("spm", "gemma", ("model",)))
def _(r, d):  # as the 2B and 9B: the score's scale is the head's own, which is all that a GGUF can say
    return gemma(d, "Gemma2ForCausalLM", "gemma2", num_hidden_layers=2, query_pre_attn_scalar=d.hd + 4, sliding_window=24, attn_logit_softcapping=5.0, final_logit_softcapping=6.0, cache_implementation="hybrid")

@case("gemma3", ("spm", "gemma", ("model",)), heads=4, hd=8, undo=[dict(rope_local_base_freq=1e6), dict(rope_theta=1e4), dict(sliding_window=512)])
def _(r, d):
    n = d.hd + 4
    return gemma(d, "Gemma3ForCausalLM", "gemma3_text", num_hidden_layers=7, head_dim=n, query_pre_attn_scalar=n, sliding_window=r.choice([24, 32]), sliding_window_pattern=6, rope_theta=1000000.0, rope_local_base_freq=10000.0,
                 attn_logit_softcapping=None, final_logit_softcapping=None, rope_scaling=None, cache_implementation="hybrid")

@case("gemma3-linear", ("spm", "gemma", ("model",)), heads=4, hd=8, derive="gemma3-nested", undo=[dict(rope_scaling=None)])
def _(r, d):  # 4B and up: global layers stretched, text part nested in a picture model
    c = CASES["gemma3"]["make"](r, d)
    c.update(rope_scaling=dict(rope_type="linear", factor=8.0), num_hidden_layers=6)
    return c

@case("gemma3-scalar", ("spm", "gemma", ("model", "json")), undo=[dict(query_pre_attn_scalar=8)])
def _(r, d):  # 27B: a scale that is not the head's; another pattern; the cap that no published Gemma 3 sets
    c = CASES["gemma3"]["make"](r, d)
    c.update(num_hidden_layers=2, sliding_window_pattern=2, query_pre_attn_scalar=r.choice([20, 28]), final_logit_softcapping=6.0)
    return c

# ---- recurrent
@case("mamba", ("bpe", "neox"), hd=12, heads=4, rows=16)
def _(r, d):
    return dict(architectures=["MambaForCausalLM"], model_type="mamba", hidden_size=d.h, intermediate_size=2 * d.h, expand=2, conv_kernel=4, state_size=r.choice([8, 12, 16]), time_step_rank=r.choice([3, 4]), num_hidden_layers=2,
                layer_norm_epsilon=1e-5, use_bias=False, use_conv_bias=True, hidden_act="silu", residual_in_fp32=True, vocab_size=d.v, tie_word_embeddings=True)

@case("falcon-mamba", ("bpe", "falcon"), hd=12, heads=4, rows=16, undo=[dict(mixer_rms_eps=1e-1)])
def _(r, d):  # as Mamba, with norms without weights on dt, B and C
    c = CASES["mamba"]["make"](r, d)
    c.update(architectures=["FalconMambaForCausalLM"], model_type="falcon_mamba", mixer_rms_eps=1e-6, tie_word_embeddings=False)
    return c

@case("mamba2", ("bpe", "neox"), hd=8, heads=4, rows=16)
def _(r, d):
    return dict(architectures=["Mamba2ForCausalLM"], model_type="mamba2", hidden_size=32, expand=2, head_dim=8, num_heads=8, n_groups=r.choice([1, 2]), state_size=r.choice([12, 16]), conv_kernel=4, num_hidden_layers=2, chunk_size=32,
                layer_norm_epsilon=1e-5, use_bias=False, use_conv_bias=True, hidden_act="silu", rms_norm=True, residual_in_fp32=True, vocab_size=d.v, tie_word_embeddings=False, time_step_limit=[0.0, float("inf")])

@case("jamba", ("spm", "llama", ("model",)), hd=8, heads=4)
def _(r, d):  # attention at offset, mixture at offset; no positions at all
    return llama(d, "JambaForCausalLM", "jamba", kv=2, num_hidden_layers=4, intermediate_size=48, rms_norm_eps=1e-6, attn_layer_offset=1, attn_layer_period=3, expert_layer_offset=1, expert_layer_period=2, mamba_conv_bias=True,
                 mamba_d_conv=4, mamba_d_state=r.choice([8, 12]), mamba_dt_rank=r.choice([3, 4]), mamba_expand=2, mamba_proj_bias=False, num_experts=3, num_experts_per_tok=2, use_mamba_kernels=False, sliding_window=None,
                 pad_token_id=0, bos_token_id=1, eos_token_id=2, num_logits_to_keep=1, router_aux_loss_coef=0.001)

@case("rwkv4", ("bpe", "neox"), hd=8, heads=4, undo=[dict(rescale_every=0)])
def _(r, d):
    return dict(architectures=["RwkvForCausalLM"], model_type="rwkv", hidden_size=d.h, attention_hidden_size=d.h, intermediate_size=4 * d.h, num_hidden_layers=3, context_length=512, layer_norm_epsilon=1e-5, rescale_every=r.choice([1, 2]),
                tie_word_embeddings=False, use_cache=True, vocab_size=d.v, bos_token_id=0, eos_token_id=0)


# ---- weights
def generator(*key):
    return np.random.RandomState(zlib.crc32("/".join(map(str, key)).encode()))


def grid(rng, shape, std):
    """Small integers times a power of two: standard deviation about std, little more than two bits each."""
    k = np.clip(np.round(1.2 * rng.standard_normal(shape)), -4, 4)
    return k * 2.0 ** round(math.log2(std / 1.2))


def fill(name, p, cfg, rng, fine, tied):
    """A value for parameter `name`, by what it does."""
    shape, kind = tuple(p.shape), cfg["model_type"]
    draw = (lambda std: rng.standard_normal(shape) * std) if fine else (lambda std: grid(rng, shape, std))
    last, owner = name.split(".")[-1], ".".join(name.split(".")[:-1])
    if last == "A_log":
        return rng.randint(-8, 17, shape) / 8
    if last == "D":
        return 1 + grid(rng, shape, 0.5)
    if last == "dt_bias" or name.endswith("dt_proj.bias"):
        return rng.randint(-24, 9, shape) / 8
    if last == "time_decay":
        return rng.randint(-24, 9, shape) / 8
    if last == "time_first":
        return rng.randint(-8, 9, shape) / 8
    if last.startswith("time_mix"):
        return rng.randint(0, 17, shape) / 16
    if last == "e_score_correction_bias":
        return rng.randint(-8, 9, shape) / 32
    if last == "bias":
        return draw(0.25)
    norm = any(w in owner.split(".")[-1] for w in ("norm", "ln_", "layernorm")) or owner.endswith((".ln1", ".ln2", ".ln_out", ".pre_ln", "norms")) or ".norms." in name or len(shape) == 1 or "norm" in owner.split(".")[-1]
    if norm:
        base = 0.0 if kind.startswith("gemma") or kind == "nemotron" else 1.0
        if any(w in name for w in ("q_norm", "k_norm", "q_layernorm", "k_layernorm")):
            base += 0.75
        return base + (rng.standard_normal(shape) * 0.2 if fine else np.clip(np.round(rng.standard_normal(shape) * 2.5), -7, 7) / 16)
    if "conv1d" in owner:
        return draw(0.5)
    if any(w in owner for w in ("embed_positions", "wpe")):
        return draw(0.5)
    if any(w in name for w in ("embed_tokens", "wte", "word_embeddings", "embed_in", "embeddings.weight", "backbone.embedding")):
        return draw(2.0 / math.sqrt(shape[1])) if tied else draw(1.0)
    fan_in = shape[0] if kind == "gpt2" and len(shape) == 2 and "lm_head" not in name else shape[-1]
    if any(w in name for w in ("lm_head", "embed_out")) or name == "head.weight":
        return draw(2.0 / math.sqrt(fan_in))
    if owner.endswith((".gate", ".router", "router.layer")) or name.endswith(("mlp.gate.weight", "shared_expert_gate.weight")):
        return draw(2.0 / math.sqrt(fan_in))
    if any(w in name for w in ("q_proj", "k_proj", "query_key_value", "c_attn", "Wqkv", "qkv", "q_b_proj", "kv_b_proj", "attn.q_", "attn.in_proj")):
        return draw(1.2 / math.sqrt(fan_in))
    return draw((1.0 if kind == "jamba" else 1.25) / math.sqrt(fan_in))


def set_weights(model, cfg, seed, name, fine):
    tied = bool(model.config.get_text_config().tie_word_embeddings)
    with torch.no_grad():
        for n, p in model.named_parameters():
            p.copy_(torch.from_numpy(np.asarray(fill(n, p, cfg, generator(seed, name, n), fine, tied), dtype=np.float32)))
        for n, b in model.named_buffers():
            if n.endswith("e_score_correction_bias"):
                b.copy_(torch.from_numpy(np.asarray(fill(n, b, cfg, generator(seed, name, n), fine, tied), dtype=np.float32)))


def write_weights(folder, tensors, dtype, shards, keep32=("A_log", ".D", "e_score_correction_bias")):
    """As one model.safetensors, or as several with model.safetensors.index.json. Some tensors stay F32 in published files."""
    out = {n: (t if t.dtype == torch.bool else t.float() if n.endswith(keep32) else t.to(DTYPES[dtype])).contiguous().clone() for n, t in tensors.items()}
    if shards == 1:
        save_file(out, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        return
    names, each, where = list(out), -(-len(out) // shards), {}
    for i in range(shards):
        part = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
        mine = names[i * each:(i + 1) * each]
        save_file({n: out[n] for n in mine}, os.path.join(folder, part), metadata={"format": "pt"})
        where.update({n: part for n in mine})
    total = sum(t.numel() * t.element_size() for t in out.values())
    tiny_text.write_json(os.path.join(folder, "model.safetensors.index.json"), {"metadata": {"total_size": total}, "weight_map": dict(sorted(where.items()))})


# ---- what published files of a class hold that its own save does not: buffers, a copy of the tied matrix, a prediction layer, names without their prefix
def as_published(how, cfg, t):
    extra = {}
    n = cfg.get("num_hidden_layers") or cfg.get("n_layer")
    if how == "inv_freq":  # Llama 1 and early conversions
        hd = cfg["hidden_size"] // cfg["num_attention_heads"]
        extra = {f"model.layers.{i}.self_attn.rotary_emb.inv_freq": 1.0 / 10000 ** (torch.arange(0, hd, 2) / hd) for i in range(n)}
    elif how == "lm_head":  # Falcon: tied, and stored twice
        extra = {"lm_head.weight": t["transformer.word_embeddings.weight"].clone()}
    elif how == "neox":
        for i in range(n):
            p = f"gpt_neox.layers.{i}.attention."
            extra.update({p + "bias": torch.ones(1, 1, 32, 32, dtype=torch.bool).tril(), p + "masked_bias": torch.tensor(-1e4), p + "rotary_emb.inv_freq": torch.ones(2)})
    elif how in ("gpt2", "noprefix"):
        t = {k.removeprefix("transformer."): v for k, v in t.items()}
        if how == "gpt2":
            extra = {f"h.{i}.attn.bias": torch.ones(1, 1, 32, 32).tril() for i in range(n)}
    elif how == "mtp":  # DeepSeek-V3: a layer behind the last, for prediction of the token after next
        h, p = cfg["hidden_size"], f"model.layers.{n}."
        extra = {p + "eh_proj.weight": torch.ones(h, 2 * h), p + "enorm.weight": torch.ones(h), p + "hnorm.weight": torch.ones(h), p + "shared_head.norm.weight": torch.ones(h), p + "input_layernorm.weight": torch.ones(h)}
    return t, extra


# ---- published folders that transformers has no class for: renamed and rearranged from a class that computes the same
def interleave(q, k, v, groups):
    """[query heads of a group, its key, its value], group by group."""
    hd = k.shape[0] // groups
    q, k, v = q.reshape(groups, -1, hd, *q.shape[1:]), k.reshape(groups, 1, hd, *k.shape[1:]), v.reshape(groups, 1, hd, *v.shape[1:])
    return torch.cat([q, k, v], 1).reshape(-1, *q.shape[3:])


def derive_internlm(cfg, t):
    c = dict(cfg, architectures=["InternLMForCausalLM"], model_type="internlm", bias=True, auto_map={"AutoConfig": "configuration_internlm.InternLMConfig", "AutoModelForCausalLM": "modeling_internlm.InternLMForCausalLM"})
    for k in ("attention_bias", "num_key_value_heads"):
        c.pop(k, None)
    return c, t


def derive_internlm2(cfg, t):
    c = dict(cfg, architectures=["InternLM2ForCausalLM"], model_type="internlm2", bias=False, auto_map={"AutoConfig": "configuration_internlm2.InternLM2Config", "AutoModelForCausalLM": "modeling_internlm2.InternLM2ForCausalLM"})
    out = {"model.tok_embeddings.weight": t["model.embed_tokens.weight"], "model.norm.weight": t["model.norm.weight"], "output.weight": t["lm_head.weight"]}
    for i in range(cfg["num_hidden_layers"]):
        a, b = f"model.layers.{i}.self_attn.", f"model.layers.{i}."
        out[b + "attention.wqkv.weight"] = interleave(t[a + "q_proj.weight"], t[a + "k_proj.weight"], t[a + "v_proj.weight"], cfg["num_key_value_heads"])
        out[b + "attention.wo.weight"] = t[a + "o_proj.weight"]
        out[b + "attention_norm.weight"], out[b + "ffn_norm.weight"] = t[b + "input_layernorm.weight"], t[b + "post_attention_layernorm.weight"]
        for new, old in (("w1", "gate_proj"), ("w3", "up_proj"), ("w2", "down_proj")):
            out[b + f"feed_forward.{new}.weight"] = t[b + f"mlp.{old}.weight"]
    return c, out


def derive_qwen(cfg, t, seq_length=2048):
    h = cfg["hidden_size"]
    c = dict(architectures=["QWenLMHeadModel"], auto_map={"AutoConfig": "configuration_qwen.QWenConfig", "AutoModelForCausalLM": "modeling_qwen.QWenLMHeadModel"}, attn_dropout_prob=0.0, bf16=False, emb_dropout_prob=0.0, fp16=False, fp32=False,
             hidden_size=h, intermediate_size=2 * cfg["intermediate_size"], initializer_range=0.02, kv_channels=h // cfg["num_attention_heads"], layer_norm_epsilon=cfg["rms_norm_eps"], max_position_embeddings=8192, model_type="qwen",
             no_bias=True, num_attention_heads=cfg["num_attention_heads"], num_hidden_layers=cfg["num_hidden_layers"], onnx_safe=None, rotary_emb_base=10000, rotary_pct=1.0, scale_attn_weights=True, seq_length=seq_length,
             tie_word_embeddings=False, tokenizer_class="QWenTokenizer", use_cache=True, use_dynamic_ntk=True, use_flash_attn="auto", use_logn_attn=True, vocab_size=cfg["vocab_size"])
    out = {"transformer.wte.weight": t["model.embed_tokens.weight"], "transformer.ln_f.weight": t["model.norm.weight"], "lm_head.weight": t["lm_head.weight"]}
    for i in range(cfg["num_hidden_layers"]):
        a, b = f"model.layers.{i}.", f"transformer.h.{i}."
        for s in ("weight", "bias"):
            out[b + f"attn.c_attn.{s}"] = torch.cat([t[a + f"self_attn.{x}_proj.{s}"] for x in "qkv"])
        out[b + "attn.c_proj.weight"] = t[a + "self_attn.o_proj.weight"]
        out[b + "ln_1.weight"], out[b + "ln_2.weight"] = t[a + "input_layernorm.weight"], t[a + "post_attention_layernorm.weight"]
        out[b + "mlp.w1.weight"], out[b + "mlp.w2.weight"], out[b + "mlp.c_proj.weight"] = (t[a + f"mlp.{x}_proj.weight"] for x in ("up", "gate", "down"))
    return c, out


def qwen1_logits(c, w, ids, double=False):
    """Qwen 1 from its published tensors, written for this oracle after the published description: the only case beyond transformers' own classes."""
    w = {n: (x.double() if double else x.float()) for n, x in w.items()}
    n, h, heads, dtype = len(ids), c["hidden_size"], c["num_attention_heads"], torch.float64 if double else torch.float32
    hd = h // heads
    norm = lambda x, g: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + c["layer_norm_epsilon"]) * g
    alpha = 1.0
    if c["use_dynamic_ntk"] and n > c["seq_length"]:
        alpha = max(2.0 ** math.ceil(math.log2(n / c["seq_length"]) + 1) - 1, 1.0)
    base = c["rotary_emb_base"] * alpha ** (hd / (hd - 2))
    angle = torch.outer(torch.arange(n).to(dtype), 1.0 / base ** (torch.arange(0, hd, 2).to(dtype) / hd))
    cos, sin = torch.cat([angle, angle], -1).cos(), torch.cat([angle, angle], -1).sin()
    turn = lambda x: x * cos + torch.cat([-x[..., hd // 2:], x[..., :hd // 2]], -1) * sin
    logn = torch.tensor([max(1.0, math.log(i, c["seq_length"])) if i > c["seq_length"] else 1.0 for i in range(1, n + 1)]).to(dtype)
    x = w["transformer.wte.weight"][torch.tensor(ids)]
    mask = torch.full((n, n), float("-inf")).triu(1).to(dtype)
    for i in range(c["num_hidden_layers"]):
        p = f"transformer.h.{i}."
        y = norm(x, w[p + "ln_1.weight"]) @ w[p + "attn.c_attn.weight"].T + w[p + "attn.c_attn.bias"]
        q, k, v = (z.view(n, heads, hd).transpose(0, 1) for z in y.split(h, -1))
        q, k = turn(q), turn(k)
        if c["use_logn_attn"]:
            q = q * logn[:, None]
        a = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(hd) + mask, -1) @ v
        x = x + a.transpose(0, 1).reshape(n, h) @ w[p + "attn.c_proj.weight"].T
        y = norm(x, w[p + "ln_2.weight"])
        x = x + (y @ w[p + "mlp.w1.weight"].T * torch.nn.functional.silu(y @ w[p + "mlp.w2.weight"].T)) @ w[p + "mlp.c_proj.weight"].T
    return norm(x, w["transformer.ln_f.weight"]) @ w["lm_head.weight"].T


def derive_gemma3_nested(cfg, t):
    """Gemma 3 4B and up: the text model inside Gemma3ForConditionalGeneration, beside tensors of a picture tower that a text reader leaves alone."""
    inner = {k: v for k, v in cfg.items() if k not in ("architectures", "pad_token_id", "eos_token_id", "bos_token_id")}
    c = dict(architectures=["Gemma3ForConditionalGeneration"], model_type="gemma3", boi_token_index=5, eoi_token_index=6, eos_token_id=[1, 106], image_token_index=7, mm_tokens_per_image=256, initializer_range=0.02, text_config=inner,
             vision_config=dict(hidden_size=8, image_size=28, intermediate_size=16, model_type="siglip_vision_model", num_attention_heads=2, num_hidden_layers=1, patch_size=14, vision_use_head=False))
    out = {"language_model." + n: x for n, x in t.items()}
    out["vision_tower.vision_model.post_layernorm.weight"] = torch.ones(8)
    out["multi_modal_projector.mm_input_projection_weight"] = torch.zeros(8, cfg["hidden_size"])
    return c, out


DERIVE = {"internlm": derive_internlm, "internlm2": derive_internlm2, "qwen": derive_qwen, "qwen-long": lambda c, t: derive_qwen(c, t, 96), "gemma3-nested": derive_gemma3_nested}


# ---- nats
def model_of(cfg):
    with tempfile.TemporaryDirectory() as d:
        tiny_text.write_json(os.path.join(d, "config.json"), cfg)
        conf = transformers.AutoConfig.from_pretrained(d)
    name = {"MPTForCausalLM": "MptForCausalLM"}.get(cfg["architectures"][0], cfg["architectures"][0])
    cls = getattr(transformers, name)
    return cls, conf


def load(folder, dtype=torch.float32, cfg=None, extra=None):
    """The folder's model by transformers, every tensor accounted for."""
    with open(os.path.join(folder, "config.json")) as f:
        c = json.load(f)
    cls, conf = model_of(cfg or c)
    m, info = cls.from_pretrained(folder, config=conf, dtype=dtype, attn_implementation="eager", experts_implementation="eager", output_loading_info=True, local_files_only=True)
    known = set(extra) if extra is not None else {k for k in info["unexpected_keys"] if k.endswith((".attn.bias", "inv_freq", "attention.bias", "masked_bias", "lm_head.weight")) or ".layers.3." in k}
    bad = {k: v for k, v in info.items() if k in ("missing_keys", "unexpected_keys", "mismatched_keys") and set(v) - known}
    if bad:
        raise RuntimeError(f"{folder}: {bad}")
    return m.eval()


def nats_of(logits, ids):
    lp = torch.log_softmax(logits.double(), -1)
    return -lp[torch.arange(len(ids) - 1), torch.tensor(ids[1:])]


def nats(model, ids):
    with torch.no_grad():
        return nats_of(model(torch.tensor([ids[:-1]]), use_cache=False).logits[0], ids)


def merged(cfg, change):
    c = copy.deepcopy(cfg)
    for k, v in change.items():
        if isinstance(v, dict) and isinstance(c.get(k), dict):
            c[k].update(v)
        else:
            c[k] = v
    return c


def build(out, name, seed):
    spec = CASES[name]
    r = random.Random(f"{seed}/{name}")
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    size = r.choice([328, 336, 344, 352])
    kind = spec["tokenizer"][0]
    if kind == "bpe":
        encode, facts = tiny_text.make_bpe(folder, spec["tokenizer"][1], size)
    elif kind == "spm":
        encode, facts = tiny_text.make_spm(folder, spec["tokenizer"][1], size + 48, spec["tokenizer"][2])
    else:
        encode, facts = tiny_text.make_tiktoken(folder, size - 60)
    d = Sizes(r, facts["size"] + spec.get("pad", r.choice([0, 0, 1, 7, 24])))  # rows behind the tokenizer's last id: the published models have them too
    if "heads" in spec or "hd" in spec:
        d.hd = spec.get("hd", 8)
        d.heads = spec.get("heads", 4 if d.hd < 16 else 3)
        d.groups = max(1, d.heads // 2)
    if "rows" in spec:  # llama.cpp's converter wants a multiple
        d.v = -(-d.v // spec["rows"]) * spec["rows"]
    d.settle(r)
    cfg = spec["make"](r, d)
    if spec["tokenizer"][0] == "spm" and cfg["architectures"][0].startswith("Gemma"):
        cfg["vocab_size"] = facts["size"]
    dtype = spec.get("dtype") or r.choice(["BF16", "BF16", "F16", "F16", "F32"])
    for k in ("bos", "eos"):
        if facts[k] is not None and cfg["model_type"] not in ("jamba",):
            cfg.setdefault(f"{k}_token_id", facts[k])
    cfg["torch_dtype"] = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[dtype]
    cls, conf = model_of(cfg)
    conf._attn_implementation = "eager"
    model = cls(conf).float().eval()
    set_weights(model, cfg, seed, name, spec.get("fine", False))
    with tempfile.TemporaryDirectory() as tmp:
        model.save_pretrained(tmp)
        tensors = {}
        for f in sorted(os.listdir(tmp)):
            if f.endswith(".safetensors"):
                tensors.update(load_file(os.path.join(tmp, f)))
    if spec.get("fine"):
        tensors = {n: t.to(DTYPES[dtype]).float() for n, t in tensors.items()}
    tiny_text.write_json(os.path.join(folder, "config.json"), cfg)
    extra = {}
    if "published" in spec:
        tensors, extra = as_published(spec["published"], cfg, tensors)
    write_weights(folder, {**tensors, **extra}, dtype, spec.get("shards", 1))
    model = load(folder, extra=extra)
    bos = [facts["bos"]] if facts["adds_bos"] else []
    prose, mixed = encode(tiny_text.PROSE), encode(tiny_text.MIXED)
    texts = [dict(name="prose", text=tiny_text.PROSE, ids=bos + prose), dict(name="mixed", text=tiny_text.MIXED, ids=bos + mixed), dict(name="window", text=None, ids=(bos + prose + mixed)[:WINDOW])]
    for t in texts:
        if (cfg.get("rope_scaling") or {}).get("type") == "dynamic":
            model = load(folder, extra=extra)  # its base depends on the longest input that the object has seen: each text alone
        t["nats"] = nats(model, t["ids"]).tolist()
    derived = spec.get("derive")
    if derived:
        for f in os.listdir(folder):
            if f.endswith((".safetensors", ".index.json")):
                os.remove(os.path.join(folder, f))
        source = cfg
        cfg, tensors = DERIVE[derived](cfg, {n: t for n, t in tensors.items()})
        cfg["torch_dtype"] = source["torch_dtype"]
        tiny_text.write_json(os.path.join(folder, "config.json"), cfg)
        write_weights(folder, tensors, dtype, 1)
        if derived.startswith("qwen"):
            for t in texts:
                mine = nats_of(qwen1_logits(cfg, tensors, t["ids"][:-1]), t["ids"])
                if derived == "qwen":
                    assert (mine - torch.tensor(t["nats"], dtype=torch.float64)).abs().max() < 1e-4, "Qwen 1's own formulas and Qwen2's disagree"
                else:
                    t["nats"] = mine.tolist()
    n = sum(t.numel() for t in tensors.values())
    result = dict(name=name, seed=seed, architecture=cfg["architectures"][0], transformers=transformers.__version__, torch=torch.__version__.split("+")[0], storage=dtype, parameters=n, tokenizer=facts,
                  texts=[dict(t, nats=[round(x, 6) for x in t["nats"]]) for t in texts])
    with open(os.path.join(folder, "expected.json"), "w", encoding="utf-8") as f:
        json.dump(result, f, ensure_ascii=True, separators=(",", ":"))
    return folder, cfg, result, spec, tensors


def check(folder, cfg, result, spec, tensors, seed):
    """How exact the numbers are, and whether each part of the model is felt in them."""
    ids = result["texts"][2]["ids"]
    name, derived = result["name"], spec.get("derive")
    want = torch.tensor(result["texts"][2]["nats"], dtype=torch.float64)
    if derived:  # the class that the folder was derived from
        tmp = tempfile.mkdtemp()
        rr = random.Random(f"{seed}/{name}")
        return dict(noise=None, least=None, undo=[])
    m = load(folder)
    m64 = load(folder, torch.float64)
    noise = float((nats(m64, ids) - want).abs().max())
    del m64
    moves = {}
    with torch.no_grad():
        # chaos: relative noise of 1e-6 on every weight
        keep = {n: p.clone() for n, p in m.named_parameters()}
        g = torch.Generator().manual_seed(1)
        for n, p in m.named_parameters():
            p.mul_(1 + 1e-6 * torch.randn(p.shape, generator=g))
        shaken = float((nats(m, ids) - want).abs().max())
        for n, p in m.named_parameters():
            p.copy_(keep[n])
        for n, p in list(m.named_parameters()) + [(n, b) for n, b in m.named_buffers() if n.endswith("e_score_correction_bias")]:
            old = p.clone()
            parts = [(f"{n}[{e}]", e) for e in range(p.shape[0])] if p.dim() == 3 and "conv" not in n else [(n, slice(None))]
            for label, part in parts:
                neutral = 1.0 if ((n.endswith("weight") and p.dim() == 1 or "norms." in n) and not cfg["model_type"].startswith(("gemma", "nemotron"))) else 0.0
                p[part] = neutral
                moves[label] = float((nats(m, ids) - want).abs().max())
                p.copy_(old)
    undone = []
    for change in spec["undo"]:
        try:
            other = nats(load(folder, cfg=merged(cfg, change)), ids)
            undone.append((change, float((other - want).abs().max()), float((other - want).abs().mean())))
        except Exception as e:
            undone.append((change, f"{type(e).__name__}: {str(e)[:120]}", 0.0))
    least = sorted(moves.items(), key=lambda kv: kv[1])[:3]
    return dict(noise=noise, shaken=shaken, least=least, undo=undone, parts=len(moves))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("out", nargs="?")
    a.add_argument("seed", nargs="?", type=int)
    a.add_argument("--only")
    a.add_argument("--check", action="store_true")
    a.add_argument("--list", action="store_true")
    o = a.parse_args()
    if o.list:
        print("\n".join(CASES))
        return
    os.makedirs(o.out, exist_ok=True)
    failed = []
    for name in (o.only.split(",") if o.only else CASES):
        try:
            folder, cfg, result, spec, tensors = build(o.out, name, o.seed)
            every = [x for t in result["texts"] for x in t["nats"]]
            line = f"{name:26s} {result['storage']:4s} V {cfg.get('vocab_size') or cfg['text_config']['vocab_size']:4d} params {result['parameters']:7d} tokens {[len(t['ids']) for t in result['texts']]} mean {np.mean(every):6.3f} max {max(every):6.2f}"
            if o.check:
                k = check(folder, cfg, result, spec, tensors, o.seed)
                if k["noise"] is not None:
                    line += f" | double {k['noise']:.1e} shaken {k['shaken']:.1e} parts {k['parts']} least " + ", ".join(f"{n} {v:.2g}" for n, v in k["least"])
                    for change, top, mean in k["undo"]:
                        line += f"\n{'':30s}undo {change}: " + (f"max {top:.3g} mean {mean:.3g}" if not isinstance(top, str) else top)
            print(line, flush=True)
        except Exception as e:
            failed.append(name)
            print(f"{name:26s} FAILED {type(e).__name__}: {str(e)[:400]}", flush=True)
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
