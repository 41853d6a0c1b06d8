/* What families have in common: runs of steps, and runs of rows of weights. */
#ifndef CRIL_MODEL_FAMILY_PARTS_H
#define CRIL_MODEL_FAMILY_PARTS_H

#include "model/family.h"
#include "model/op.h"

/* ---- Steps ---- */

#define CRIL_STEP(OP, W, IN, OUT)                                                                  \
    {                                                                                              \
        &cril_op_##OP, CRIL_W_##W, CRIL_BUF_##IN, CRIL_BUF_##OUT                                   \
    }

/* A product and its bias. */
#define CRIL_STEPS_LINEAR(W, IN, OUT)                                                              \
    CRIL_STEP(matmul, W, IN, OUT), CRIL_STEP(bias, W##_BIAS, OUT, OUT)

/* Queries, keys and values of IN. */
#define CRIL_STEPS_QKV(IN)                                                                         \
    CRIL_STEP(matmul, Q, IN, Q), CRIL_STEP(matmul, K, IN, K), CRIL_STEP(matmul, V, IN, V),         \
        CRIL_STEP(bias, Q_BIAS, Q, Q), CRIL_STEP(bias, K_BIAS, K, K),                              \
        CRIL_STEP(bias, V_BIAS, V, V)

#define CRIL_STEPS_TURN CRIL_STEP(rope, NONE, Q, Q), CRIL_STEP(rope, NONE, K, K)

/* From queries, keys and values to T. */
#define CRIL_STEPS_ATTEND                                                                          \
    CRIL_STEP(store_kv, NONE, K, V), CRIL_STEP(attend, NONE, Q, A), CRIL_STEPS_LINEAR(O, A, T)

/* From IN to T: SwiGLU and GeGLU (Shazeer 2020, eq. 6), or two matrices with a function between. */
#define CRIL_STEPS_GATED(MUL, IN)                                                                  \
    CRIL_STEP(matmul, GATE, IN, G), CRIL_STEP(matmul, UP, IN, U),                                  \
        CRIL_STEP(bias, GATE_BIAS, G, G), CRIL_STEP(bias, UP_BIAS, U, U),                          \
        CRIL_STEP(MUL, NONE, U, G), CRIL_STEPS_LINEAR(DOWN, G, T)
#define CRIL_STEPS_SWIGLU(IN) CRIL_STEPS_GATED(silu_mul, IN)
#define CRIL_STEPS_GEGLU(IN) CRIL_STEPS_GATED(gelu_mul, IN)
#define CRIL_STEPS_MLP(IN)                                                                         \
    CRIL_STEPS_LINEAR(UP, IN, U), CRIL_STEP(activate, NONE, U, U), CRIL_STEPS_LINEAR(DOWN, U, T)

/* From IN to T: a mixture of experts, each a SwiGLU. The steps between to_experts and from_experts
 * are taken for each expert, with the rows that chose it. */
#define CRIL_STEPS_MIXTURE(IN)                                                                     \
    CRIL_STEP(matmul, ROUTER, IN, R), CRIL_STEP(choose, ROUTER_BIAS, R, C),                        \
        CRIL_STEP(to_experts, NONE, IN, XN), CRIL_STEP(matmul, EXPERT_GATE, XN, XG),               \
        CRIL_STEP(matmul, EXPERT_UP, XN, XU), CRIL_STEP(silu_mul, NONE, XU, XG),                   \
        CRIL_STEP(matmul, EXPERT_DOWN, XG, XT), CRIL_STEP(from_experts, NONE, XT, T)
/* A SwiGLU beside it, of width n_ff, that all rows take. */
#define CRIL_STEPS_SHARED(IN)                                                                      \
    CRIL_STEP(matmul, GATE, IN, G), CRIL_STEP(matmul, UP, IN, U), CRIL_STEP(silu_mul, NONE, U, G), \
        CRIL_STEP(matmul, DOWN, G, M)

#define CRIL_STEPS_LAYER_NORM(W, IN, OUT)                                                          \
    CRIL_STEP(layer_norm, W, IN, OUT), CRIL_STEP(bias, W##_BIAS, OUT, OUT)

#define CRIL_STEP_ADD CRIL_STEP(add, NONE, T, X)

/* Branches behind a LayerNorm, one after the other: attention without and with rotation, and two
 * matrices. */
#define CRIL_STEPS_GPT_ATTENTION                                                                   \
    CRIL_STEPS_LAYER_NORM(ATTN_NORM, X, N), CRIL_STEPS_QKV(N), CRIL_STEPS_ATTEND, CRIL_STEP_ADD
#define CRIL_STEPS_GPT_ROTATION                                                                    \
    CRIL_STEPS_LAYER_NORM(ATTN_NORM, X, N), CRIL_STEPS_QKV(N), CRIL_STEPS_TURN, CRIL_STEPS_ATTEND, \
        CRIL_STEP_ADD
#define CRIL_STEPS_GPT_MLP CRIL_STEPS_LAYER_NORM(FFN_NORM, X, N), CRIL_STEPS_MLP(N), CRIL_STEP_ADD
/* Side by side, each with its own norm of X; M holds the second. */
#define CRIL_STEPS_GPT_TWO_NORMS                                                                   \
    CRIL_STEPS_LAYER_NORM(ATTN_NORM, X, N), CRIL_STEPS_LAYER_NORM(FFN_NORM, X, M),                 \
        CRIL_STEPS_QKV(N), CRIL_STEPS_TURN, CRIL_STEPS_ATTEND, CRIL_STEP_ADD, CRIL_STEPS_MLP(M),   \
        CRIL_STEP_ADD
/* Side by side behind one norm. */
#define CRIL_STEPS_GPT_ONE_NORM CRIL_STEPS_GPT_ROTATION, CRIL_STEPS_MLP(N), CRIL_STEP_ADD

/* A layer of a Llama: Touvron et al. 2023, section 2.2. */
#define CRIL_STEPS_LLAMA_ATTENTION                                                                 \
    CRIL_STEP(norm, ATTN_NORM, X, N), CRIL_STEPS_QKV(N), CRIL_STEPS_TURN, CRIL_STEPS_ATTEND,       \
        CRIL_STEP_ADD, CRIL_STEP(norm, FFN_NORM, X, N)
#define CRIL_STEPS_LLAMA CRIL_STEPS_LLAMA_ATTENTION, CRIL_STEPS_SWIGLU(N), CRIL_STEP_ADD

/* The convolution of SU, with its bias and function. */
#define CRIL_STEPS_CONVOLVE                                                                        \
    CRIL_STEP(convolve, SSM_CONV, SU, SU), CRIL_STEP(bias, SSM_CONV_BIAS, SU, SU),                 \
        CRIL_STEP(activate, NONE, SU, SU)
/* The gate of a branch whose norm is w, computed once the scan is through: until then it would have
 * to be kept for all rows. Then OUT, which the scan gave, times it, in SZ. */
#define CRIL_STEPS_SCAN_GATE(OUT)                                                                  \
    CRIL_STEP(norm, ATTN_NORM, X, N), CRIL_STEP(matmul, SSM_Z, N, SZ),                             \
        CRIL_STEP(silu_mul, NONE, OUT, SZ)
/* A layer of Mamba from X to T (Gu & Dao 2023, section 3.4). NORMS: from SX, what x_proj gives, to
 * SR, its first piece, which step sizes are made of. */
#define CRIL_STEPS_MAMBA(...)                                                                      \
    CRIL_STEP(norm, ATTN_NORM, X, N), CRIL_STEP(matmul, SSM_U, N, SU), CRIL_STEPS_CONVOLVE,        \
        CRIL_STEP(matmul, SSM_X, SU, SX), __VA_ARGS__, CRIL_STEPS_LINEAR(SSM_DT, SR, SD),          \
        CRIL_STEP(step_size, NONE, SD, SD), CRIL_STEP(scan, SSM_A, SU, SD),                        \
        CRIL_STEP(skip, SSM_D, SU, SD), CRIL_STEPS_SCAN_GATE(SD),                                  \
        CRIL_STEP(matmul, SSM_OUT, SZ, T)
#define CRIL_STEPS_NO_NORMS CRIL_STEP(copy, NONE, SX, SR)
#define CRIL_STEPS_NORMS                                                                           \
    CRIL_STEP(norm_inner, SSM_DT_NORM, SX, SR), CRIL_STEP(norm_b, SSM_B_NORM, SX, SX),             \
        CRIL_STEP(norm_c, SSM_C_NORM, SX, SX)

/* A layer of Mamba 2 from X to T (Dao & Gu 2024, section 7). */
#define CRIL_STEPS_MAMBA_2                                                                         \
    CRIL_STEP(norm, ATTN_NORM, X, N), CRIL_STEP(matmul, SSM_U, N, SU),                             \
        CRIL_STEPS_LINEAR(SSM_DT, N, SD), CRIL_STEP(step_size, NONE, SD, SD), CRIL_STEPS_CONVOLVE, \
        CRIL_STEP(scan_heads, SSM_A, SU, SO), CRIL_STEP(skip_heads, SSM_D, SU, SO),                \
        CRIL_STEPS_SCAN_GATE(SO), CRIL_STEP(group_norm, SSM_NORM, SZ, SZ),                         \
        CRIL_STEP(matmul, SSM_OUT, SZ, T)

/* A layer of RWKV 4 (Peng et al. 2023, section 3). Mixed: with the position before. */
#define CRIL_STEPS_MIXED(MIX, W, OUT) CRIL_STEP(mix, MIX, N, T), CRIL_STEP(matmul, W, T, OUT)
#define CRIL_STEPS_RWKV                                                                            \
    CRIL_STEPS_LAYER_NORM(ATTN_NORM, X, N), CRIL_STEP(shift, NONE, N, M),                          \
        CRIL_STEPS_MIXED(MIX_K, K, K), CRIL_STEPS_MIXED(MIX_V, V, V),                              \
        CRIL_STEPS_MIXED(MIX_R, R, Q), CRIL_STEP(copy, NONE, K, A), CRIL_STEP(bias, FIRST, A, A),  \
        CRIL_STEP(wkv, DECAY, K, V), CRIL_STEP(sigmoid_mul, NONE, V, Q),                           \
        CRIL_STEP(matmul, O, Q, T), CRIL_STEP(rescale, NONE, T, T), CRIL_STEP_ADD,                 \
        CRIL_STEPS_LAYER_NORM(FFN_NORM, X, N), CRIL_STEP(shift_ffn, NONE, N, M),                   \
        CRIL_STEPS_MIXED(FFN_MIX_K, UP, U), CRIL_STEP(activate, NONE, U, U),                       \
        CRIL_STEPS_MIXED(FFN_MIX_R, FFN_R, M), CRIL_STEP(matmul, DOWN, U, T),                      \
        CRIL_STEP(rescale, NONE, T, T), CRIL_STEP(sigmoid_mul, NONE, T, M),                        \
        CRIL_STEP(add, NONE, M, X), CRIL_STEP(halve, NONE, X, X)

/* Latent attention (DeepSeek-AI 2024, section 2.1): queries by a latent one; keys, values, and what
 * attention makes of N, to T. */
#define CRIL_STEPS_LATENT_QUERY                                                                    \
    CRIL_STEP(matmul, Q_A, N, CQ), CRIL_STEP(norm_inner, Q_A_NORM, CQ, CQ),                        \
        CRIL_STEP(matmul, Q_B, CQ, Q)
#define CRIL_STEPS_LATENT                                                                          \
    CRIL_STEP(matmul, KV_A, N, CKV), CRIL_STEP(norm_inner, KV_A_NORM, CKV, CN),                    \
        CRIL_STEP(matmul, K_B, CN, KN), CRIL_STEP(matmul, V_B, CN, V),                             \
        CRIL_STEP(latent_keys, NONE, KN, K), CRIL_STEPS_TURN, CRIL_STEPS_ATTEND

/* The usual ends. */
#define CRIL_STEPS_EMBEDDING CRIL_STEP(embed, EMBEDDING, X, X)
#define CRIL_STEPS_HEAD CRIL_STEP(norm, OUTPUT_NORM, X, N), CRIL_STEP(matmul, OUTPUT, N, LOGITS)
#define CRIL_STEPS_GPT_HEAD                                                                        \
    CRIL_STEPS_LAYER_NORM(OUTPUT_NORM, X, N), CRIL_STEPS_LINEAR(OUTPUT, N, LOGITS)

/* ---- Rows of keys ---- */

/* Sizes that config.json must have. */
#define CRIL_CONFIG_SIZES                                                                          \
    {"block_count", CRIL_ROW_REQUIRED, 0, NULL}, {"embedding_length", CRIL_ROW_REQUIRED, 0, NULL}, \
        {"feed_forward_length", CRIL_ROW_REQUIRED, 0, NULL},                                       \
    {                                                                                              \
        "attention.head_count", CRIL_ROW_REQUIRED, 0, NULL                                         \
    }

/* GPT-2's names, or the usual ones. */
#define CRIL_CONFIG_GPT(LAYERS, EMBD, HEADS, CONTEXT)                                              \
    {"block_count", CRIL_ROW_DEFAULT, LAYERS, "n_layer num_hidden_layers"},                        \
        {"embedding_length", CRIL_ROW_DEFAULT, EMBD, "n_embd hidden_size"},                        \
        {"attention.head_count", CRIL_ROW_DEFAULT, HEADS, "n_head num_attention_heads"},           \
        {"context_length", CRIL_ROW_DEFAULT, CONTEXT, "n_positions max_position_embeddings"},      \
    {                                                                                              \
        "attention.layer_norm_epsilon", CRIL_ROW_DEFAULT, 1e-5, "layer_norm_epsilon"               \
    }

/* ---- Rows of weights ---- */

/* Embedding and head; NORM: the last norm's name in a folder. */
#define CRIL_ROWS_ENDS(EMBEDDING, NORM, CHANGES)                                                   \
    {CRIL_W_EMBEDDING, "token_embd.weight", EMBEDDING, 0, CRIL_PART_ALL, 0},                       \
        {CRIL_W_OUTPUT_NORM, "output_norm.weight", NORM ".weight", CHANGES, CRIL_PART_ALL, 0},     \
        {CRIL_W_OUTPUT_NORM_BIAS, "output_norm.bias", NORM ".bias", 0,                             \
         CRIL_PART_ALL,           CRIL_NORM_BIAS},                                                 \
        {CRIL_W_OUTPUT, "output.weight", "lm_head.weight", 0, CRIL_PART_ALL, 0},                   \
    {                                                                                              \
        CRIL_W_OUTPUT_BIAS, "output.bias", "lm_head.bias", 0, CRIL_PART_ALL, CRIL_OUTPUT_BIAS      \
    }

/* A norm of a layer: its names in a GGUF and in a folder. */
#define CRIL_ROWS_NORM(W, GGUF, FOLDER, CHANGES)                                                   \
    {                                                                                              \
        CRIL_W_##W, "blk.#." GGUF ".weight", FOLDER ".weight", CHANGES, CRIL_PART_ALL, 0           \
    }
#define CRIL_ROWS_LAYER_NORM(W, GGUF, FOLDER, CHANGES)                                             \
    CRIL_ROWS_NORM(W, GGUF, FOLDER, CHANGES),                                                      \
    {                                                                                              \
        CRIL_W_##W##_BIAS, "blk.#." GGUF ".bias", FOLDER ".bias", 0, CRIL_PART_ALL, CRIL_NORM_BIAS \
    }

/* Norms of the heads of queries and keys, each head with its own part, [heads][width] or a tensor a
 * head. */
#define CRIL_ROWS_QK_NORM(Q_NAME, K_NAME)                                                          \
    {CRIL_W_Q_NORM,                                                                                \
     "blk.#.attn_q_norm.weight",                                                                   \
     "model.layers.#.self_attn." Q_NAME ".weight",                                                 \
     CRIL_ANY_SHAPE,                                                                               \
     CRIL_PART_ALL,                                                                                \
     CRIL_QK_NORM},                                                                                \
    {                                                                                              \
        CRIL_W_K_NORM, "blk.#.attn_k_norm.weight", "model.layers.#.self_attn." K_NAME ".weight",   \
            CRIL_ANY_SHAPE, CRIL_PART_ALL, CRIL_QK_NORM                                            \
    }

/* A matrix of a layer and its bias. */
#define CRIL_ROWS_LINEAR(W, GGUF, FOLDER, CHANGES, PART, OPTIONAL)                                 \
    {CRIL_W_##W, GGUF ".weight", FOLDER ".weight", CHANGES, PART, 0},                              \
    {                                                                                              \
        CRIL_W_##W##_BIAS, GGUF ".bias", FOLDER ".bias", (CHANGES) & ~(unsigned)CRIL_EXCHANGED,    \
            PART, OPTIONAL                                                                         \
    }
#define CRIL_ROWS_GGUF(W, GGUF, PART, OPTIONAL)                                                    \
    {CRIL_W_##W, GGUF ".weight", NULL, 0, PART, 0},                                                \
    {                                                                                              \
        CRIL_W_##W##_BIAS, GGUF ".bias", NULL, 0, PART, OPTIONAL                                   \
    }
#define CRIL_ROWS_FOLDER(W, FOLDER, CHANGES, PART, OPTIONAL)                                       \
    {CRIL_W_##W, NULL, FOLDER ".weight", CHANGES, PART, 0},                                        \
    {                                                                                              \
        CRIL_W_##W##_BIAS, NULL, FOLDER ".bias", (CHANGES) & ~(unsigned)CRIL_EXCHANGED, PART,      \
            OPTIONAL                                                                               \
    }

/* All queries, keys and values in one tensor of a GGUF, as any family may have them there. */
#define CRIL_ROWS_GGUF_QKV                                                                         \
    CRIL_ROWS_GGUF(Q, "blk.#.attn_qkv", CRIL_PART_Q, CRIL_QKV_BIAS),                               \
        CRIL_ROWS_GGUF(K, "blk.#.attn_qkv", CRIL_PART_K, CRIL_QKV_BIAS),                           \
        CRIL_ROWS_GGUF(V, "blk.#.attn_qkv", CRIL_PART_V, CRIL_QKV_BIAS)

/* Each in its own tensor, or in one; CHANGES: of queries and keys. */
#define CRIL_ROWS_QKV(PREFIX, CHANGES)                                                             \
    CRIL_ROWS_LINEAR(Q, "blk.#.attn_q", PREFIX "q_proj", CHANGES, CRIL_PART_ALL, CRIL_QKV_BIAS),   \
        CRIL_ROWS_LINEAR(K, "blk.#.attn_k", PREFIX "k_proj", CHANGES, CRIL_PART_ALL,               \
                         CRIL_QKV_BIAS),                                                           \
        CRIL_ROWS_LINEAR(V, "blk.#.attn_v", PREFIX "v_proj", 0, CRIL_PART_ALL, CRIL_QKV_BIAS),     \
        CRIL_ROWS_GGUF_QKV

/* One tensor of a folder; a GGUF has it too, or three. */
#define CRIL_ROWS_FUSED_QKV(NAME, CHANGES, PART)                                                   \
    CRIL_ROWS_FOLDER(Q, NAME, CHANGES, PART(Q), CRIL_QKV_BIAS),                                    \
        CRIL_ROWS_FOLDER(K, NAME, CHANGES, PART(K), CRIL_QKV_BIAS),                                \
        CRIL_ROWS_FOLDER(V, NAME, (CHANGES) & ~(unsigned)CRIL_NEIGHBOURS, PART(V), CRIL_QKV_BIAS), \
        CRIL_ROWS_GGUF(Q, "blk.#.attn_q", CRIL_PART_ALL, CRIL_QKV_BIAS),                           \
        CRIL_ROWS_GGUF(K, "blk.#.attn_k", CRIL_PART_ALL, CRIL_QKV_BIAS),                           \
        CRIL_ROWS_GGUF(V, "blk.#.attn_v", CRIL_PART_ALL, CRIL_QKV_BIAS), CRIL_ROWS_GGUF_QKV
#define CRIL_BY_KIND(W) CRIL_PART_##W             /* all queries, all keys, all values */
#define CRIL_BY_GROUP(W) CRIL_PART_##W##_OF_GROUP /* group by group */

/* Attention and SwiGLU by the names of Llama's class, PREFIX "model.layers.#." */
#define CRIL_ROWS_O(NAME)                                                                          \
    CRIL_ROWS_LINEAR(O, "blk.#.attn_output", NAME, 0, CRIL_PART_ALL, CRIL_O_BIAS)
#define CRIL_ROWS_GATED(PREFIX)                                                                    \
    CRIL_ROWS_LINEAR(GATE, "blk.#.ffn_gate", PREFIX "gate_proj", 0, CRIL_PART_ALL, CRIL_FFN_BIAS), \
        CRIL_ROWS_LINEAR(UP, "blk.#.ffn_up", PREFIX "up_proj", 0, CRIL_PART_ALL, CRIL_FFN_BIAS),   \
        CRIL_ROWS_LINEAR(DOWN, "blk.#.ffn_down", PREFIX "down_proj", 0, CRIL_PART_ALL,             \
                         CRIL_FFN_BIAS)
/* Two matrices with a function between. */
#define CRIL_ROWS_MLP(UP_NAME, DOWN_NAME, CHANGES)                                                 \
    CRIL_ROWS_LINEAR(UP, "blk.#.ffn_up", UP_NAME, CHANGES, CRIL_PART_ALL, CRIL_FFN_BIAS),          \
        CRIL_ROWS_LINEAR(DOWN, "blk.#.ffn_down", DOWN_NAME, CHANGES, CRIL_PART_ALL, CRIL_FFN_BIAS)
/* Of Mamba, PREFIX "backbone.layers.#.mixer." */
#define CRIL_ROWS_CONVOLVE(PREFIX)                                                                 \
    {CRIL_W_SSM_CONV,        "blk.#.ssm_conv1d.weight",                                            \
     PREFIX "conv1d.weight", CRIL_BY_CHANNELS,                                                     \
     CRIL_PART_ALL,          0},                                                                   \
    {                                                                                              \
        CRIL_W_SSM_CONV_BIAS, "blk.#.ssm_conv1d.bias", PREFIX "conv1d.bias", 0, CRIL_PART_ALL,     \
            CRIL_CONV_BIAS                                                                         \
    }
/* SHAPE: CRIL_BY_CHANNELS, or with heads CRIL_ANY_SHAPE. */
#define CRIL_ROWS_SCAN(PREFIX, SHAPE)                                                              \
    {CRIL_W_SSM_A, "blk.#.ssm_a", PREFIX "A_log", CRIL_LOG_NEGATIVE | SHAPE, CRIL_PART_ALL, 0},    \
        {CRIL_W_SSM_D, "blk.#.ssm_d", PREFIX "D", CRIL_ANY_SHAPE, CRIL_PART_ALL, 0},               \
    {                                                                                              \
        CRIL_W_SSM_OUT, "blk.#.ssm_out.weight", PREFIX "out_proj.weight", 0, CRIL_PART_ALL, 0      \
    }
#define CRIL_ROWS_MAMBA(PREFIX)                                                                      \
    {CRIL_W_SSM_U, "blk.#.ssm_in.weight", PREFIX "in_proj.weight", 0, CRIL_PART_FIRST_HALF, 0},      \
        {CRIL_W_SSM_Z, "blk.#.ssm_in.weight", PREFIX "in_proj.weight", 0, CRIL_PART_SECOND_HALF, 0}, \
        CRIL_ROWS_CONVOLVE(PREFIX),                                                                  \
        {CRIL_W_SSM_X, "blk.#.ssm_x.weight", PREFIX "x_proj.weight", 0, CRIL_PART_ALL, 0},           \
        CRIL_ROWS_LINEAR(SSM_DT, "blk.#.ssm_dt", PREFIX "dt_proj", 0, CRIL_PART_ALL, 0),             \
        CRIL_ROWS_SCAN(PREFIX, CRIL_BY_CHANNELS)
#define CRIL_ROWS_LLAMA(CHANGES)                                                                   \
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.norm", 0),                                  \
        CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", "model.layers.#.input_layernorm", 0),               \
        CRIL_ROWS_QKV("model.layers.#.self_attn.", CHANGES),                                       \
        CRIL_ROWS_O("model.layers.#.self_attn.o_proj"),                                            \
        CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", "model.layers.#.post_attention_layernorm", 0),        \
        CRIL_ROWS_GATED("model.layers.#.mlp.")

/* A mixture's router, and its experts: each in tensors of its own in a folder, its matrix W NAME.
 */
#define CRIL_ROWS_ROUTER(NAME)                                                                     \
    {                                                                                              \
        CRIL_W_ROUTER, "blk.#.ffn_gate_inp.weight", NAME ".weight", 0, CRIL_PART_ALL, 0            \
    }
#define CRIL_ROWS_EXPERTS(PREFIX, GATE, UP, DOWN)                                                  \
    {CRIL_W_EXPERT_GATE,                                                                           \
     "blk.#.ffn_gate_exps.weight",                                                                 \
     PREFIX "experts.@." GATE ".weight",                                                           \
     0,                                                                                            \
     CRIL_PART_ALL,                                                                                \
     0},                                                                                           \
        {CRIL_W_EXPERT_UP,                                                                         \
         "blk.#.ffn_up_exps.weight",                                                               \
         PREFIX "experts.@." UP ".weight",                                                         \
         0,                                                                                        \
         CRIL_PART_ALL,                                                                            \
         0},                                                                                       \
        {CRIL_W_EXPERT_DOWN,                                                                       \
         "blk.#.ffn_down_exps.weight",                                                             \
         PREFIX "experts.@." DOWN ".weight",                                                       \
         0,                                                                                        \
         CRIL_PART_ALL,                                                                            \
         0},                                                                                       \
        {CRIL_W_EXPERT_GATE, "blk.#.ffn_gate_up_exps.weight", NULL, 0, CRIL_PART_FIRST_HALF, 0},   \
    {                                                                                              \
        CRIL_W_EXPERT_UP, "blk.#.ffn_gate_up_exps.weight", NULL, 0, CRIL_PART_SECOND_HALF, 0       \
    }
/* All experts in one tensor of a folder, gates and ups in the same. */
#define CRIL_ROWS_FUSED_EXPERTS(GATE_UP, DOWN)                                                     \
    {CRIL_W_EXPERT_GATE, NULL, GATE_UP, 0, CRIL_PART_FIRST_HALF, 0},                               \
        {CRIL_W_EXPERT_UP, NULL, GATE_UP, 0, CRIL_PART_SECOND_HALF, 0},                            \
    {                                                                                              \
        CRIL_W_EXPERT_DOWN, NULL, DOWN, 0, CRIL_PART_ALL, 0                                        \
    }

/* ---- The family ---- */

/* What each file calls its tables, and the function that reads the keys. */
#define CRIL_FAMILY_TABLES                                                                         \
    .classes = classes, .weights = weights, .embedding = CRIL_STEPS(embedding),                    \
    .head = CRIL_STEPS(head), .configure = configure

#define CRIL_ROWS_END                                                                              \
    {                                                                                              \
        0                                                                                          \
    }

#endif
