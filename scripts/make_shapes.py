#!/usr/bin/env python3
"""Folders of the 41 models of the study and its README, in shape alone.

    python3 scripts/make_shapes.py OUT [NAME...]

Each has the config.json that the model was published with, a tiny tokenizer of its kind, and safetensors files whose headers name
all tensors with their types and shapes, while the data is a hole that takes no disk. OUT/shapes.txt gets a line for each: its
name, and the parameters that its publisher counts, a tied matrix once. They are written down here, not computed from the tensors.
scripts/check_shapes runs cril on them. Without the hub at hand, config.json and counts are as remembered.
"""
import base64
import json
import os
import struct
import sys

SHARD = 5_000_000_000  # bytes, as save_pretrained cuts, unless a model says otherwise
BYTES = {"F32": 4, "F16": 2, "BF16": 2}


# ---- Tensors: name -> shape

def ends(v, d, embedding="model.embed_tokens.weight", norm="model.norm", head="lm_head.weight", bias=False):
    t = {embedding: [v, d], norm + ".weight": [d]}
    if bias:
        t[norm + ".bias"] = [d]
    return {**t, **({head: [v, d]} if head else {})}


def linear(name, out, into, bias=False):
    return {name + ".weight": [out, into], **({name + ".bias": [out]} if bias else {})}


def layer_norm(name, d):
    return {name + ".weight": [d], name + ".bias": [d]}


def gated(p, d, f, names=("gate_proj", "up_proj", "down_proj")):
    return {**linear(p + names[0], f, d), **linear(p + names[1], f, d), **linear(p + names[2], d, f)}


def attention(p, c, qkv_bias=False, o_bias=False):
    d, h, k = c["hidden_size"], c["num_attention_heads"], c.get("num_key_value_heads", c["num_attention_heads"])
    w = d // h
    return {**linear(p + "q_proj", h * w, d, qkv_bias), **linear(p + "k_proj", k * w, d, qkv_bias),
            **linear(p + "v_proj", k * w, d, qkv_bias), **linear(p + "o_proj", d, h * w, o_bias)}


def llama(c, bias=False, buffers=False, norms=("input_layernorm", "post_attention_layernorm")):
    d = c["hidden_size"]
    t = ends(c["vocab_size"], d)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        t.update({p + norms[0] + ".weight": [d], p + norms[1] + ".weight": [d]})
        t.update(attention(p + "self_attn.", c, bias))
        if buffers:
            t[p + "self_attn.rotary_emb.inv_freq"] = [d // c["num_attention_heads"] // 2]
        t.update(gated(p + "mlp.", d, c["intermediate_size"]))
    return t


def mixtral(c):
    d = c["hidden_size"]
    t = ends(c["vocab_size"], d)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        t.update({p + "input_layernorm.weight": [d], p + "post_attention_layernorm.weight": [d]})
        t.update(attention(p + "self_attn.", c))
        t.update(linear(p + "block_sparse_moe.gate", c["num_local_experts"], d))
        for e in range(c["num_local_experts"]):
            t.update(gated(p + f"block_sparse_moe.experts.{e}.", d, c["intermediate_size"], ("w1", "w3", "w2")))
    return t


def qwen(c):
    d, f = c["hidden_size"], c["intermediate_size"] // 2
    t = ends(c["vocab_size"], d, "transformer.wte.weight", "transformer.ln_f")
    for i in range(c["num_hidden_layers"]):
        p = f"transformer.h.{i}."
        t.update({p + "ln_1.weight": [d], p + "ln_2.weight": [d]})
        t.update({**linear(p + "attn.c_attn", 3 * d, d, True), **linear(p + "attn.c_proj", d, d)})
        t.update(gated(p + "mlp.", d, f, ("w2", "w1", "c_proj")))
    return t


def falcon(c):
    d = c["hidden_size"]
    w, k = d // c["num_attention_heads"], c.get("num_kv_heads", 1)
    t = ends(c["vocab_size"], d, "transformer.word_embeddings.weight", "transformer.ln_f", bias=True)
    for i in range(c["num_hidden_layers"]):
        p = f"transformer.h.{i}."
        for norm in ("ln_attn", "ln_mlp") if c["new_decoder_architecture"] else ("input_layernorm",):
            t.update(layer_norm(p + norm, d))
        t.update(linear(p + "self_attention.query_key_value", d + 2 * k * w, d))
        t.update({**linear(p + "self_attention.dense", d, d), **linear(p + "mlp.dense_h_to_4h", 4 * d, d),
                  **linear(p + "mlp.dense_4h_to_h", d, 4 * d)})
    return t


def bigcode(c):
    d = c["n_embd"]
    t = ends(c["vocab_size"], d, "transformer.wte.weight", "transformer.ln_f", None, True)
    t["transformer.wpe.weight"] = [c["n_positions"], d]
    for i in range(c["n_layer"]):
        p = f"transformer.h.{i}."
        t.update({**layer_norm(p + "ln_1", d), **layer_norm(p + "ln_2", d)})
        t.update(linear(p + "attn.c_attn", d + 2 * (d // c["n_head"]), d, True))
        t.update({**linear(p + "attn.c_proj", d, d, True), **linear(p + "mlp.c_fc", c["n_inner"], d, True),
                  **linear(p + "mlp.c_proj", d, c["n_inner"], True)})
    return t


def starcoder2(c):
    d, f = c["hidden_size"], c["intermediate_size"]
    t = ends(c["vocab_size"], d, head=None if c.get("tie_word_embeddings", True) else "lm_head.weight", bias=True)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        t.update({**layer_norm(p + "input_layernorm", d), **layer_norm(p + "post_attention_layernorm", d)})
        t.update(attention(p + "self_attn.", c, True, True))
        t.update({**linear(p + "mlp.c_fc", f, d, True), **linear(p + "mlp.c_proj", d, f, True)})
    return t


def mamba(p, c):
    d, n, rank = c["hidden_size"], c["mamba_d_state"], c["mamba_dt_rank"]
    inner = c["mamba_expand"] * d
    return {**linear(p + "in_proj", 2 * inner, d), p + "conv1d.weight": [inner, 1, c["mamba_d_conv"]], p + "conv1d.bias": [inner],
            **linear(p + "x_proj", rank + 2 * n, inner), **linear(p + "dt_proj", inner, rank, True), p + "A_log": [inner, n],
            p + "D": [inner], **linear(p + "out_proj", d, inner), p + "dt_layernorm.weight": [rank],
            p + "b_layernorm.weight": [n], p + "c_layernorm.weight": [n]}


def jamba(c):
    d, f = c["hidden_size"], c["intermediate_size"]
    t = ends(c["vocab_size"], d, norm="model.final_layernorm")
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        t.update({p + "input_layernorm.weight": [d], p + "pre_ff_layernorm.weight": [d]})
        attends = i % c["attn_layer_period"] == c["attn_layer_offset"]
        t.update(attention(p + "self_attn.", c) if attends else mamba(p + "mamba.", c))
        if i % c["expert_layer_period"] != c["expert_layer_offset"]:
            t.update(gated(p + "feed_forward.", d, f))
            continue
        t.update(linear(p + "feed_forward.router", c["num_experts"], d))
        for e in range(c["num_experts"]):
            t.update(gated(p + f"feed_forward.experts.{e}.", d, f))
    return t


def deepseek2(c):
    d, h, q, kv = c["hidden_size"], c["num_attention_heads"], c["q_lora_rank"], c["kv_lora_rank"]
    nope, rope, v, f = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"], c["moe_intermediate_size"]
    t = ends(c["vocab_size"], d)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        t.update({p + "input_layernorm.weight": [d], p + "post_attention_layernorm.weight": [d]})
        a = p + "self_attn."
        t.update({**linear(a + "q_a_proj", q, d), a + "q_a_layernorm.weight": [q], **linear(a + "q_b_proj", h * (nope + rope), q),
                  **linear(a + "kv_a_proj_with_mqa", kv + rope, d), a + "kv_a_layernorm.weight": [kv],
                  **linear(a + "kv_b_proj", h * (nope + v), kv), **linear(a + "o_proj", d, h * v)})
        if i < c["first_k_dense_replace"]:
            t.update(gated(p + "mlp.", d, c["intermediate_size"]))
            continue
        t.update(linear(p + "mlp.gate", c["n_routed_experts"], d))
        t.update(gated(p + "mlp.shared_experts.", d, c["n_shared_experts"] * f))
        for e in range(c["n_routed_experts"]):
            t.update(gated(p + f"mlp.experts.{e}.", d, f))
    return t


# ---- config.json

def sizes(kind, d, layers, heads, f, v, context, kv=None, **more):
    return dict(model_type=kind, hidden_size=d, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=f, vocab_size=v,
                max_position_embeddings=context, hidden_act="silu", **({"num_key_value_heads": kv} if kv else {}), **more)


def llama_config(d, layers, heads, f, v=32000, context=4096, kv=None, eps=1e-5, kind="llama", cls="LlamaForCausalLM", **more):
    return {**dict(architectures=[cls], rms_norm_eps=eps, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2),
            **sizes(kind, d, layers, heads, f, v, context, kv, **more)}


def code_llama(d, layers, heads, f, v, kv, theta=1000000):
    return llama_config(d, layers, heads, f, v, 16384 if theta != 10000 else 4096, kv, rope_theta=theta, rope_scaling=None, pretraining_tp=1)


def deepseek_llm(d, layers, heads, kv, f=11008):
    return llama_config(d, layers, heads, f, 102400, 4096, kv, 1e-6, bos_token_id=100000, eos_token_id=100001, rope_theta=10000.0,
                        rope_scaling=None, pretraining_tp=1)


def deepseek_coder(d, layers, heads, f, kv):
    return llama_config(d, layers, heads, f, 32256, 16384, kv, 1e-6, rope_theta=100000, pretraining_tp=1,
                        rope_scaling={"factor": 4.0, "type": "linear"})


def mixtral_config(d, layers, heads, f, context):
    return llama_config(d, layers, heads, f, 32000, context, 8, kind="mixtral", cls="MixtralForCausalLM", num_local_experts=8,
                        num_experts_per_tok=2, output_router_logits=False, router_aux_loss_coef=0.02, rope_theta=1000000.0,
                        sliding_window=None)


def yi(d, layers, heads, kv, f):
    return llama_config(d, layers, heads, f, 64000, 4096, kv, rope_theta=5000000.0, rope_scaling=None, pretraining_tp=1)


def qwen_config(d, layers, heads, f, v, seq, long, base=10000):
    return dict(architectures=["QWenLMHeadModel"],
                auto_map={"AutoConfig": "configuration_qwen.QWenConfig", "AutoModelForCausalLM": "modeling_qwen.QWenLMHeadModel"},
                attn_dropout_prob=0.0, bf16=False, emb_dropout_prob=0.0, fp16=False, fp32=False, hidden_size=d, intermediate_size=f,
                initializer_range=0.02, kv_channels=128, layer_norm_epsilon=1e-6, max_position_embeddings=max(seq, 8192),
                model_type="qwen", no_bias=True, num_attention_heads=heads, num_hidden_layers=layers, onnx_safe=None,
                rotary_emb_base=base, rotary_pct=1.0, scale_attn_weights=True, seq_length=seq, tie_word_embeddings=False,
                tokenizer_class="QWenTokenizer", use_cache=True, use_dynamic_ntk=long, use_flash_attn="auto", use_logn_attn=long,
                vocab_size=v)


def qwen2(d, layers, heads, f, v, kv, context=32768, eps=1e-6):
    return llama_config(d, layers, heads, f, v, context, kv, eps, "qwen2", "Qwen2ForCausalLM", rope_theta=1000000.0,
                        max_window_layers=layers * 3 // 4, sliding_window=context, use_sliding_window=False,
                        bos_token_id=151643, eos_token_id=151643)


def falcon_config(d, layers, heads, kv):
    return dict(architectures=["FalconForCausalLM"], model_type="falcon", alibi=False, attention_dropout=0.0, bias=False,
                apply_residual_connection_post_layernorm=False, bos_token_id=11, eos_token_id=11, hidden_dropout=0.0, hidden_size=d,
                initializer_range=0.02, layer_norm_epsilon=1e-5, multi_query=True, new_decoder_architecture=kv > 1,
                num_attention_heads=heads, num_hidden_layers=layers, parallel_attn=True, vocab_size=65024,
                **({"num_kv_heads": kv} if kv > 1 else {}))


def starcoder2_config(d, layers, heads, f, theta, **more):
    return dict(architectures=["Starcoder2ForCausalLM"], activation_function="gelu", hidden_act="gelu_pytorch_tanh", mlp_type="default",
                norm_epsilon=1e-5, norm_type="layer_norm", rope_theta=theta, sliding_window=4096, use_bias=True, bos_token_id=0,
                eos_token_id=0, attention_dropout=0.1, residual_dropout=0.1, embedding_dropout=0.1,
                **{k: v for k, v in sizes("starcoder2", d, layers, heads, f, 49152, 16384, 4).items() if k != "hidden_act"}, **more)


STARCODERBASE = dict(architectures=["GPTBigCodeForCausalLM"], model_type="gpt_bigcode", activation_function="gelu_pytorch_tanh",
                     attention_softmax_in_fp32=True, scale_attention_softmax_in_fp32=True, attn_pdrop=0.1, embd_pdrop=0.1,
                     resid_pdrop=0.1, bos_token_id=0, eos_token_id=0, inference_runner=0, initializer_range=0.02,
                     layer_norm_epsilon=1e-5, max_batch_size=None, max_sequence_length=None, multi_query=True, n_embd=6144, n_head=48,
                     n_inner=24576, n_layer=40, n_positions=8192, pad_key_length=True, pre_allocate_kv_cache=False,
                     scale_attn_weights=True, validate_runner_input=True, vocab_size=49152)

JAMBA = dict(architectures=["JambaForCausalLM"],
             auto_map={"AutoConfig": "configuration_jamba.JambaConfig", "AutoModelForCausalLM": "modeling_jamba.JambaForCausalLM"},
             attention_dropout=0.0, attn_layer_offset=4, attn_layer_period=8, calc_logits_for_entire_prompt=False,
             expert_layer_offset=1, expert_layer_period=2, mamba_conv_bias=True, mamba_d_conv=4, mamba_d_state=16, mamba_dt_rank=256,
             mamba_expand=2, mamba_inner_layernorms=True, mamba_proj_bias=False, n_ctx=262144, num_experts=16, num_experts_per_tok=2,
             output_router_logits=False, pad_token_id=0, bos_token_id=1, eos_token_id=2, rms_norm_eps=1e-6,
             router_aux_loss_coef=0.001, sliding_window=None, tie_word_embeddings=False, use_mamba_kernels=True,
             **sizes("jamba", 4096, 32, 32, 14336, 65536, 262144, 8))

DEEPSEEK2 = dict(architectures=["DeepseekV2ForCausalLM"],
                 auto_map={"AutoConfig": "configuration_deepseek.DeepseekV2Config",
                           "AutoModelForCausalLM": "modeling_deepseek.DeepseekV2ForCausalLM"},
                 attention_bias=False, attention_dropout=0.0, aux_loss_alpha=0.001, bos_token_id=100000, eos_token_id=100001, ep_size=1,
                 first_k_dense_replace=1, kv_lora_rank=512, moe_intermediate_size=1536, moe_layer_freq=1, n_group=8, n_routed_experts=160,
                 n_shared_experts=2, norm_topk_prob=False, num_experts_per_tok=6, pretraining_tp=1, q_lora_rank=1536, qk_nope_head_dim=128,
                 qk_rope_head_dim=64, rms_norm_eps=1e-6, rope_theta=10000, routed_scaling_factor=16.0, scoring_func="softmax",
                 rope_scaling={"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 0.707, "mscale_all_dim": 0.707,
                               "original_max_position_embeddings": 4096, "type": "yarn"},
                 seq_aux=True, tie_word_embeddings=False, topk_group=3, topk_method="group_limited_greedy", v_head_dim=128,
                 **sizes("deepseek_v2", 5120, 60, 128, 12288, 102400, 163840, 128))

# ---- The models: config, tensors, kind of tokenizer, parameters as published, type of all tensors

LLAMA1 = dict(context=2048, eps=1e-6)
MODELS = {
    "llama-7b": (llama_config(4096, 32, 32, 11008, **LLAMA1), lambda c: llama(c, buffers=True), "spm", 6738415616, "F16"),
    "llama-13b": (llama_config(5120, 40, 40, 13824, **LLAMA1), lambda c: llama(c, buffers=True), "spm", 13015864320, "F16"),
    "llama-30b": (llama_config(6656, 60, 52, 17920, **LLAMA1), lambda c: llama(c, buffers=True), "spm", 32528943616, "F16"),
    "llama-65b": (llama_config(8192, 80, 64, 22016, **LLAMA1), lambda c: llama(c, buffers=True), "spm", 65285660672, "F16"),
    "Llama-2-7b-hf": (llama_config(4096, 32, 32, 11008, kv=32), lambda c: llama(c, buffers=True), "spm", 6738415616, "F16"),
    "Llama-2-13b-hf": (llama_config(5120, 40, 40, 13824, kv=40), lambda c: llama(c, buffers=True), "spm", 13015864320, "F16"),
    "Llama-2-70b-hf": (llama_config(8192, 80, 64, 28672, kv=8), lambda c: llama(c, buffers=True), "spm", 68976648192, "F16"),
    "CodeLlama-7b-hf": (code_llama(4096, 32, 32, 11008, 32016, 32), llama, "spm", 6738546688, "BF16"),
    "CodeLlama-13b-hf": (code_llama(5120, 40, 40, 13824, 32016, 40), llama, "spm", 13016028160, "BF16"),
    "CodeLlama-34b-hf": (code_llama(8192, 48, 64, 22016, 32000, 8), llama, "spm", 33743970304, "BF16"),
    "llemma_7b": (code_llama(4096, 32, 32, 11008, 32016, 32, 10000), llama, "spm", 6738546688, "BF16"),
    "llemma_34b": (code_llama(8192, 48, 64, 22016, 32000, 8), llama, "spm", 33743970304, "BF16"),
    "Mistral-7B-v0.1": (llama_config(4096, 32, 32, 14336, 32000, 32768, 8, kind="mistral", cls="MistralForCausalLM", sliding_window=4096,
                                     rope_theta=10000.0), llama, "spm", 7241732096, "BF16"),
    "Mixtral-8x7B-v0.1": (mixtral_config(4096, 32, 32, 14336, 32768), mixtral, "spm", 46702792704, "BF16"),
    "Mixtral-8x22B-v0.1": (mixtral_config(6144, 56, 48, 16384, 65536), mixtral, "spm", 140620634112, "BF16"),
    "Yi-6B": (yi(4096, 32, 32, 4, 11008), llama, "spm", 6061035520, "BF16"),
    "Yi-34B": (yi(7168, 60, 56, 8, 20480), lambda c: llama(c, norms=("ln1", "ln2")), "spm", 34388917248, "BF16"),
    "Qwen-7B": (qwen_config(4096, 32, 32, 22016, 151936, 8192, True), qwen, "tiktoken", 7721324544, "BF16"),
    "Qwen-14B": (qwen_config(5120, 40, 40, 27392, 152064, 2048, True), qwen, "tiktoken", 14167290880, "BF16"),
    "Qwen-72B": (qwen_config(8192, 80, 64, 49152, 152064, 32768, False, 1000000), qwen, "tiktoken", 72287920128, "BF16"),
    "deepseek-llm-7b-base": (deepseek_llm(4096, 30, 32, 32), llama, "bpe-bos", 6910365696, "BF16"),
    "deepseek-llm-67b-base": (deepseek_llm(8192, 95, 64, 8, 22016), llama, "bpe-bos", 67425001472, "BF16"),
    "deepseek-math-7b-base": (deepseek_llm(4096, 30, 32, 32), llama, "bpe-bos", 6910365696, "BF16"),
    "deepseek-coder-1.3b-base": (deepseek_coder(2048, 24, 16, 5504, 16), llama, "bpe-bos", 1346471936, "BF16"),
    "deepseek-coder-6.7b-base": (deepseek_coder(4096, 32, 32, 11008, 32), llama, "bpe-bos", 6740512768, "BF16"),
    "deepseek-coder-33b-base": (deepseek_coder(7168, 62, 56, 19200, 8), llama, "bpe-bos", 33342991360, "BF16"),
    "falcon-7b": (falcon_config(4544, 32, 71, 1), falcon, "bpe", 6921720704, "BF16"),
    "falcon-40b": (falcon_config(8192, 60, 128, 8), falcon, "bpe", 41303293952, "BF16"),
    "starcoderbase": (STARCODERBASE, bigcode, "bpe", 15517456384, "F32"),
    "starcoder2-7b": (starcoder2_config(4608, 32, 36, 18432, 1000000), starcoder2, "bpe", 7173923840, "BF16"),
    "starcoder2-15b": (starcoder2_config(6144, 40, 48, 24576, 100000, tie_word_embeddings=False), starcoder2, "bpe", 15957889024, "F32"),
    "Jamba-v0.1": (JAMBA, jamba, "spm", 51570323328, "BF16"),
    "Meta-Llama-3-8B": (llama_config(4096, 32, 32, 14336, 128256, 8192, 8, rope_theta=500000.0, rope_scaling=None), llama, "bpe-bos",
                        8030261248, "BF16"),
    "Meta-Llama-3-70B": (llama_config(8192, 80, 64, 28672, 128256, 8192, 8, rope_theta=500000.0, rope_scaling=None), llama, "bpe-bos",
                         70553706496, "BF16"),
    "Qwen1.5-7B": (qwen2(4096, 32, 32, 11008, 151936, 32), lambda c: llama(c, True), "bpe", 7721324544, "BF16"),
    "Qwen1.5-14B": (qwen2(5120, 40, 40, 13696, 152064, 40), lambda c: llama(c, True), "bpe", 14167290880, "BF16"),
    "Qwen1.5-32B": (qwen2(5120, 64, 40, 27392, 152064, 8), lambda c: llama(c, True), "bpe", 32512218112, "BF16"),
    "Qwen1.5-72B": (qwen2(8192, 80, 64, 24576, 152064, 64), lambda c: llama(c, True), "bpe", 72287920128, "BF16"),
    "Qwen1.5-110B": (qwen2(8192, 80, 64, 49152, 152064, 8), lambda c: llama(c, True), "bpe", 111209914368, "BF16"),
    "Qwen2-72B": (qwen2(8192, 80, 64, 29568, 152064, 8, 131072, 1e-5), lambda c: llama(c, True), "bpe", 72706203648, "BF16"),
    "DeepSeek-V2": (DEEPSEEK2, deepseek2, "bpe-bos", 235741434880, "BF16"),
}


# ---- Files

def shards_of(tensors, kind):
    """Lists of names, in the order of the tensors."""
    out, size = [[]], 0
    for name, shape in tensors.items():
        n = BYTES[kind]
        for x in shape:
            n *= x
        if out[-1] and size + n > SHARD:
            out, size = out + [[]], 0
        out[-1].append(name)
        size += n
    return out


def write_weights(path, names, tensors, kind):
    """A header and a hole; the bytes of the hole."""
    header, at = {}, 0
    for name in names:
        type_of = "F32" if name.endswith("inv_freq") else kind
        n = BYTES[type_of]
        for x in tensors[name]:
            n *= x
        header[name] = {"dtype": type_of, "shape": tensors[name], "data_offsets": [at, at + n]}
        at += n
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
    os.truncate(path, 8 + len(text) + at)
    return at


def write_json(path, x):
    with open(path, "w") as f:
        json.dump(x, f, indent=1)


def byte_chars():
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = iter(range(256, 512))
    return [chr(b) if b in keep else chr(next(rest)) for b in range(256)]


def write_bpe(folder, bos):
    vocab = byte_chars() + ["Ġt", "he", "Ġa"]
    n, special = len(vocab), ["<|begin|>", "<|end|>"]
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": special[0], "type_id": 0}},
                                                         {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {special[0]: {"id": special[0], "ids": [n], "tokens": [special[0]]}}}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    write_json(folder + "/tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": n + i, "content": s, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                          "special": True} for i, s in enumerate(special)],
        "normalizer": None, "pre_tokenizer": level, "post_processor": template if bos else None, "decoder": level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": {t: i for i, t in enumerate(vocab)},
                  "merges": ["Ġ t", "h e", "Ġ a"]}})
    write_json(folder + "/tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": special[0],
                                                   "eos_token": special[1], "clean_up_tokenization_spaces": False})


def field(number, x):
    """Of a protobuf message: bytes, a float, or a whole number."""
    if isinstance(x, bytes):
        return bytes([number << 3 | 2]) + varint(len(x)) + x
    if isinstance(x, float):
        return bytes([number << 3 | 5]) + struct.pack("<f", x)
    return varint(number << 3) + varint(x)


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def write_spm(folder, bos):
    pieces = [("<unk>", 2), ("<s>", 3), ("</s>", 3)] + [(f"<0x{b:02X}>", 6) for b in range(256)]
    pieces += [(c, 1) for c in "▁etaoinshrdlu"] + [("▁t", 1)]
    model = b"".join(field(1, field(1, t.encode()) + field(2, -float(i)) + field(3, kind)) for i, (t, kind) in enumerate(pieces))
    trainer = field(3, 2) + field(4, len(pieces)) + field(35, 1)
    normalizer = field(1, b"identity") + field(3, 1) + field(4, 0)
    with open(folder + "/tokenizer.model", "wb") as f:
        f.write(model + field(2, trainer) + field(3, normalizer))
    write_json(folder + "/tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer", "add_bos_token": bos, "add_eos_token": False,
                                                   "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "legacy": True})


def write_tiktoken(folder):
    with open(folder + "/qwen.tiktoken", "w") as f:
        for rank in range(256):
            f.write(f"{base64.b64encode(bytes([rank])).decode()} {rank}\n")
    write_json(folder + "/tokenizer_config.json", {"tokenizer_class": "QWenTokenizer", "model_max_length": 8192,
                                                   "auto_map": {"AutoTokenizer": ["tokenization_qwen.QWenTokenizer", None]}})


def write_model(folder, config, tensors, tokenizer, kind):
    os.makedirs(folder, exist_ok=True)
    write_json(folder + "/config.json", config)
    if tokenizer == "spm":
        write_spm(folder, "Yi" not in folder)
    elif tokenizer == "tiktoken":
        write_tiktoken(folder)
    else:
        write_bpe(folder, tokenizer == "bpe-bos")
    shards = shards_of(tensors, kind)
    names = ["model.safetensors"] if len(shards) == 1 else [f"model-{i + 1:05}-of-{len(shards):05}.safetensors"
                                                            for i in range(len(shards))]
    total = sum(write_weights(f"{folder}/{n}", s, tensors, kind) for n, s in zip(names, shards))
    if len(shards) > 1:
        write_json(folder + "/model.safetensors.index.json",
                   {"metadata": {"total_size": total}, "weight_map": {t: n for n, s in zip(names, shards) for t in s}})


if __name__ == "__main__":
    out, wanted = sys.argv[1], sys.argv[2:] or list(MODELS)
    os.makedirs(out, exist_ok=True)
    with open(out + "/shapes.txt", "w") as f:
        for name in wanted:
            config, tensors, tokenizer, parameters, kind = MODELS[name]
            types = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
            write_model(f"{out}/{name}", {**config, "torch_dtype": types[kind]}, tensors(config), tokenizer, kind)
            f.write(f"{name} {parameters}\n")
