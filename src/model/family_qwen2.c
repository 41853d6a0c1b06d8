/*
 * Qwen2 and Qwen2.5 (Yang et al. 2024, section 2.2): as Llama, with biases on query, key and value,
 * and rotation of the two halves of a head.
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
    double base = 10000;
    cril_status st = cril_key_opt_float(m, "rope.freq_base", &base, err);
    return st != CRIL_OK ? st : cril_rope_configure(m, base, true, NULL, &m->rope[0], err);
}

const struct cril_family cril_family_qwen2 = {.architecture = "qwen2",
                                              .embedding = CRIL_STEPS(embedding),
                                              .layers = {CRIL_STEPS(steps)},
                                              .head = CRIL_STEPS(head),
                                              .has_biases = true,
                                              .configure = configure};
