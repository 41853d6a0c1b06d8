/*
 * Gemma 3, text (Gemma Team 2025, section 2): norms before and after each branch, norms on queries
 * and keys, GELU, five sliding layers to one full layer, each kind with its own rotation, an
 * embedding scaled by sqrt(n_embd).
 */
#include "model/family.h"
#include "model/op.h"
#include "util/fail.h"

#include <math.h>

static const struct cril_step embedding[] = {
    {&cril_op_embed, CRIL_W_EMBEDDING, CRIL_BUF_X, CRIL_BUF_X},
};

static const struct cril_step steps[] = {
    {&cril_op_norm, CRIL_W_ATTN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_Q, CRIL_BUF_N, CRIL_BUF_Q},
    {&cril_op_matmul, CRIL_W_K, CRIL_BUF_N, CRIL_BUF_K},
    {&cril_op_matmul, CRIL_W_V, CRIL_BUF_N, CRIL_BUF_V},
    {&cril_op_head_norm, CRIL_W_Q_NORM, CRIL_BUF_Q, CRIL_BUF_Q},
    {&cril_op_head_norm, CRIL_W_K_NORM, CRIL_BUF_K, CRIL_BUF_K},
    {&cril_op_rope, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_Q},
    {&cril_op_rope, CRIL_W_NONE, CRIL_BUF_K, CRIL_BUF_K},
    {&cril_op_store_kv, CRIL_W_NONE, CRIL_BUF_K, CRIL_BUF_V},
    {&cril_op_attend, CRIL_W_NONE, CRIL_BUF_Q, CRIL_BUF_A},
    {&cril_op_matmul, CRIL_W_O, CRIL_BUF_A, CRIL_BUF_T},
    {&cril_op_norm, CRIL_W_POST_ATTN_NORM, CRIL_BUF_T, CRIL_BUF_T},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
    {&cril_op_norm, CRIL_W_FFN_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_GATE, CRIL_BUF_N, CRIL_BUF_G},
    {&cril_op_matmul, CRIL_W_UP, CRIL_BUF_N, CRIL_BUF_U},
    {&cril_op_gelu_mul, CRIL_W_NONE, CRIL_BUF_U, CRIL_BUF_G},
    {&cril_op_matmul, CRIL_W_DOWN, CRIL_BUF_G, CRIL_BUF_T},
    {&cril_op_norm, CRIL_W_POST_FFN_NORM, CRIL_BUF_T, CRIL_BUF_T},
    {&cril_op_add, CRIL_W_NONE, CRIL_BUF_T, CRIL_BUF_X},
};

static const struct cril_step head[] = {
    {&cril_op_norm, CRIL_W_OUTPUT_NORM, CRIL_BUF_X, CRIL_BUF_N},
    {&cril_op_matmul, CRIL_W_OUTPUT, CRIL_BUF_N, CRIL_BUF_LOGITS},
};

enum { FULL, SLIDING };

/* Sliding layers turn with their own base and are never scaled. */
static cril_status local_rope(cril_model *m, double base, cril_error *err)
{
    struct cril_rope *full = &m->rope[FULL], *r = &m->rope[SLIDING];
    *r = (struct cril_rope){.n_rot = full->n_rot, .halves = true, .magnitude = 1};
    return cril_rope_plain(base, r, m->path, err);
}

static cril_status configure(cril_model *m, cril_error *err)
{
    struct cril_config *c = &m->config;
    uint64_t window = 0, period = 6;
    double base = 1000000, base_local = 10000;
    cril_status st;
    if ((st = cril_key_uint(m, "attention.sliding_window", &window, err)) != CRIL_OK ||
        (st = cril_key_opt_uint(m, "attention.sliding_window_pattern", &period, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base", &base, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base_swa", &base_local, err)) != CRIL_OK)
        return st;
    if (!window || !period)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: key 'gemma3.attention.%s' is 0; cril runs a Gemma 3 with sliding and "
                         "full layers only",
                         m->path, window ? "sliding_window_pattern" : "sliding_window");
    for (size_t i = 0; i < c->n_layers; i++) {
        bool full = i % period == period - 1;
        m->layers[i].rope = full ? FULL : SLIDING;
        m->layers[i].window = full ? 0 : (size_t)window;
    }
    c->embedding_scale = sqrtf((float)c->n_embd);
    if (c->n_layers == 62 &&
        !cril_key_find(m, "attention.scale")) /* the 27B model divides by its width a head, not by
                                                 the head's own */
        c->attention_scale = 1.0f / sqrtf((float)c->n_embd / (float)c->n_heads);
    if ((st = cril_rope_configure(m, base, true, NULL, &m->rope[FULL], err)) != CRIL_OK)
        return st;
    return local_rope(m, base_local, err);
}

const struct cril_family cril_family_gemma3 = {.architecture = "gemma3",
                                               .embedding = CRIL_STEPS(embedding),
                                               .layers = {CRIL_STEPS(steps)},
                                               .head = CRIL_STEPS(head),
                                               .configure = configure};
