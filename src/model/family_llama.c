/*
 * Llama 1 to 3 and what is built like them (SmolLM2, Mistral, TinyLlama, ...): Touvron et al. 2023,
 * section 2.2. Pre-norm, rotation of neighbouring pairs (the order in which GGUF stores their query
 * and key rows), SwiGLU.
 */
#include "model/family.h"
#include "model/op.h"

static const struct cril_step embedding[] = {
    {&cril_op_embed, CRIL_W_EMBEDDING, CRIL_BUF_X, CRIL_BUF_X},
};

static const struct cril_step steps[] = {
    {&cril_op_norm, CRIL_W_ATTN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_Q, CRIL_BUF_N, CRIL_BUF_Q},
    {&cril_op_matmul, CRIL_W_K, CRIL_BUF_N, CRIL_BUF_K},
    {&cril_op_matmul, CRIL_W_V, CRIL_BUF_N, CRIL_BUF_V},
    {&cril_op_bias, CRIL_W_Q_BIAS, CRIL_BUF_Q, CRIL_BUF_Q},
    {&cril_op_bias, CRIL_W_K_BIAS, CRIL_BUF_K, CRIL_BUF_K},
    {&cril_op_bias, CRIL_W_V_BIAS, CRIL_BUF_V, CRIL_BUF_V},
    {&cril_op_rope, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_Q},
    {&cril_op_rope, CRIL_W_NONE, CRIL_BUF_K, CRIL_BUF_K},
    {&cril_op_store_kv, CRIL_W_NONE, CRIL_BUF_K, CRIL_BUF_V},
    {&cril_op_attend, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_A},
    {&cril_op_matmul, CRIL_W_O, CRIL_BUF_A, CRIL_BUF_T},
    {&cril_op_bias, CRIL_W_O_BIAS, CRIL_BUF_T, CRIL_BUF_T},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
    {&cril_op_norm, CRIL_W_FFN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_GATE, CRIL_BUF_N, CRIL_BUF_G},
    {&cril_op_matmul, CRIL_W_UP, CRIL_BUF_N, CRIL_BUF_U},
    {&cril_op_silu_mul, CRIL_W_NONE, CRIL_BUF_U, CRIL_BUF_G},
    {&cril_op_matmul, CRIL_W_DOWN, CRIL_BUF_G, CRIL_BUF_T},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
};

static const struct cril_step head[] = {
    {&cril_op_norm, CRIL_W_OUTPUT_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_OUTPUT, CRIL_BUF_N, CRIL_BUF_LOGITS},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    uint64_t window = 0;
    double base = 10000;
    cril_status st;
    if ((st = cril_key_opt_uint(m, "attention.sliding_window", &window, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base", &base, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].window = window < m->config.n_ctx ? (size_t)window : 0;
    return cril_rope_configure(m, base, false, cril_model_take(m, "rope_freqs.weight"), &m->rope[0],
                               err);
}

const struct cril_family cril_family_llama = {.architecture = "llama",
                                              .embedding = CRIL_STEPS(embedding),
                                              .layers = {CRIL_STEPS(steps)},
                                              .head = CRIL_STEPS(head),
                                              .configure = configure};
