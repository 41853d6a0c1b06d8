/*
 * Qwen2 and Qwen2.5 (Yang et al. 2024, section 2.2): as Llama, with biases on query, key and value,
 * and rotation of the two halves of a head.
 */
#include "model/family.h"

static const struct cril_step steps[] = {
    {CRIL_OP_NORM, CRIL_W_ATTN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {CRIL_OP_MATMUL, CRIL_W_Q, CRIL_BUF_N, CRIL_BUF_Q},
    {CRIL_OP_MATMUL, CRIL_W_K, CRIL_BUF_N, CRIL_BUF_K},
    {CRIL_OP_MATMUL, CRIL_W_V, CRIL_BUF_N, CRIL_BUF_V},
    {CRIL_OP_BIAS, CRIL_W_Q_BIAS, CRIL_BUF_Q, CRIL_BUF_Q},
    {CRIL_OP_BIAS, CRIL_W_K_BIAS, CRIL_BUF_K, CRIL_BUF_K},
    {CRIL_OP_BIAS, CRIL_W_V_BIAS, CRIL_BUF_V, CRIL_BUF_V},
    {CRIL_OP_ROPE, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_Q},
    {CRIL_OP_ROPE, CRIL_W_NONE, CRIL_BUF_K, CRIL_BUF_K},
    {CRIL_OP_ATTEND, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_A},
    {CRIL_OP_MATMUL, CRIL_W_O, CRIL_BUF_A, CRIL_BUF_T},
    {CRIL_OP_ADD, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
    {CRIL_OP_NORM, CRIL_W_FFN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {CRIL_OP_MATMUL, CRIL_W_GATE, CRIL_BUF_N, CRIL_BUF_G},
    {CRIL_OP_MATMUL, CRIL_W_UP, CRIL_BUF_N, CRIL_BUF_U},
    {CRIL_OP_SILU_MUL, CRIL_W_NONE, CRIL_BUF_U, CRIL_BUF_G},
    {CRIL_OP_MATMUL, CRIL_W_DOWN, CRIL_BUF_G, CRIL_BUF_T},
    {CRIL_OP_ADD, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    double base = 10000;
    cril_status st = cril_key_opt_float(m, "rope.freq_base", &base, err);
    return st != CRIL_OK ? st : cril_rope_configure(m, base, true, NULL, &m->rope[0], err);
}

const struct cril_family cril_family_qwen2 = {.architecture = "qwen2",
                                              .steps = steps,
                                              .n_steps = sizeof(steps) / sizeof(*steps),
                                              .has_biases = true,
                                              .configure = configure};
