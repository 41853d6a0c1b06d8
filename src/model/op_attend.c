/*
 * Causal attention of a block of positions as two products a head: scores = Q K^T, result =
 * softmax(scores) V (Vaswani et al. 2017, eq. 1), over keys and values kept in the panels that the
 * product kernels read.
 *
 * Positions are taken in blocks of 32, aligned in their sequence; all of a block read the same
 * range of keys, those they must not see weighted 0. So the range, and with it every bit, follows
 * from the position alone.
 *
 * Keys and values of a prefix stay where they are: a block reads panels of keys wherever they lie,
 * and its sums over values go on from one sequence's positions to the next one's.
 */
#include "model/op.h"

#include "model/plain.h"
#include "util/fmath.h"

#include <math.h>
#include <string.h>

/* ---- Keys and values ---- */

/* Keys and values of one sequence in one layer: those of positions base .. base + n_pad - 1. */
struct kv {
    float *k; /* [n_kv_heads][n_pad / PANEL_COLUMNS][key_dim][PANEL_COLUMNS] */
    float *v; /* [n_kv_heads][pad(value_dim) / PANEL_COLUMNS][n_pad][PANEL_COLUMNS] */
    size_t n_pad, base;
};

static size_t pad(size_t n)
{
    return cril_panels(n) * CRIL_PANEL_COLUMNS;
}

static size_t kv_bytes(const cril_model *m, size_t layer, size_t n_pad)
{
    const struct cril_layer *l = &m->layers[layer];
    return l->n_kv_heads * (l->key_dim + pad(l->value_dim)) * n_pad * sizeof(float);
}

static size_t kv_plain_floats(const cril_model *m, size_t layer, size_t n)
{
    const struct cril_layer *l = &m->layers[layer];
    return l->n_kv_heads * (l->key_dim + l->value_dim) * n;
}

/* Keys in whole panels. Values of n positions lie together in each panel of columns. */
static void copy_kv(const cril_model *m, size_t layer, size_t n_pad, size_t n,
                    const unsigned char *from, unsigned char *to)
{
    const struct cril_layer *l = &m->layers[layer];
    const size_t keys = l->key_dim * sizeof(float), values = CRIL_PANEL_COLUMNS * sizeof(float);
    size_t at = 0;
    for (size_t h = 0; h < l->n_kv_heads; h++, at += keys * n_pad)
        memcpy(to + at, from + at, keys * pad(n));
    for (size_t p = 0; p < l->n_kv_heads * cril_panels(l->value_dim); p++, at += values * n_pad)
        memcpy(to + at, from + at, values * n);
}

/* state: where the sequence's state of the layer starts, bytes. */
static struct kv kv_at(const struct cril_layer *l, const struct cril_sequence *s, size_t state)
{
    float *k = (float *)(void *)(s->state + state);
    return (struct kv){.k = k,
                       .v = k + l->n_kv_heads * l->key_dim * s->n_pad,
                       .n_pad = s->n_pad,
                       .base = cril_sequence_base(s)};
}

/* The first panel of s has positions of prefixes too, each with the sequence that stored it. */
static void inherit_kv(const cril_model *m, size_t layer, const struct cril_sequence *s)
{
    const struct cril_layer *l = &m->layers[layer];
    const struct kv to = kv_at(l, s, 0);
    for (size_t p = to.base; p < s->start; p++) {
        const struct cril_sequence *owner = s->prefix;
        while (p < owner->start)
            owner = owner->prefix;
        const struct kv from = kv_at(l, owner, 0);
        const size_t at = p - from.base, panel = at / CRIL_PANEL_COLUMNS * CRIL_PANEL_COLUMNS;
        for (size_t h = 0; h < l->n_kv_heads; h++) {
            const float *k = from.k + (h * from.n_pad + panel) * l->key_dim + at - panel;
            float *k_to = to.k + h * to.n_pad * l->key_dim + p - to.base;
            for (size_t d = 0; d < l->key_dim; d++)
                k_to[d * CRIL_PANEL_COLUMNS] = k[d * CRIL_PANEL_COLUMNS];
            for (size_t d = 0; d < pad(l->value_dim); d += CRIL_PANEL_COLUMNS)
                memcpy(to.v + (h * pad(l->value_dim) + d) * to.n_pad +
                           (p - to.base) * CRIL_PANEL_COLUMNS,
                       from.v + (h * pad(l->value_dim) + d) * from.n_pad + at * CRIL_PANEL_COLUMNS,
                       CRIL_PANEL_COLUMNS * sizeof(float));
        }
    }
}

static const struct cril_state kv_state = {
    .bytes = kv_bytes, .plain_floats = kv_plain_floats, .inherit = inherit_kv, .copy = copy_kv};

static struct kv kv_of(const struct cril_pass *p, const struct cril_sequence *s)
{
    return kv_at(&p->m->layers[p->layer], s, p->state);
}

/* at: position, counted from the sequence's base. */
static void store_row(const struct cril_layer *l, const struct kv *kv, size_t at, const float *k,
                      const float *v)
{
    const size_t panel = at / CRIL_PANEL_COLUMNS, lane = at % CRIL_PANEL_COLUMNS;
    for (size_t h = 0; h < l->n_kv_heads; h++) {
        float *kp =
            kv->k + h * l->key_dim * kv->n_pad + panel * l->key_dim * CRIL_PANEL_COLUMNS + lane;
        float *vp = kv->v + h * pad(l->value_dim) * kv->n_pad + at * CRIL_PANEL_COLUMNS;
        for (size_t d = 0; d < l->key_dim; d++)
            kp[d * CRIL_PANEL_COLUMNS] = k[h * l->key_dim + d];
        for (size_t d = 0; d < l->value_dim; d++)
            vp[d / CRIL_PANEL_COLUMNS * kv->n_pad * CRIL_PANEL_COLUMNS + d % CRIL_PANEL_COLUMNS] =
                v[h * l->value_dim + d];
    }
}

static void store_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct kv kv = kv_of(p, &p->sequences[b->rows[i].sequence]);
        store_row(&p->m->layers[p->layer], &kv, b->rows[i].position - kv.base,
                  cril_block_row(b, CRIL_BUF_K, i), cril_block_row(b, CRIL_BUF_V, i));
    }
}

static void store_token(const struct cril_token *t, const struct cril_step *s)
{
    const struct cril_layer *l = &t->m->layers[t->layer];
    const size_t nk = l->n_kv_heads * l->key_dim, nv = l->n_kv_heads * l->value_dim;
    float *keys = t->state, *values = keys + nk * t->n;
    (void)s;
    memcpy(keys + t->position * nk, t->buffer[CRIL_BUF_K], nk * sizeof(float));
    memcpy(values + t->position * nv, t->buffer[CRIL_BUF_V], nv * sizeof(float));
}

const struct cril_op cril_op_store_kv = {.form = CRIL_BY_ROWS,
                                         .reads = 1u << CRIL_BUF_K | 1u << CRIL_BUF_V,
                                         .state = &kv_state,
                                         .stores = true,
                                         .rows = store_rows,
                                         .plain = store_token};

/* ---- Biases by distance ---- */

static float to_bfloat16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits)); /* finite: slopes are at most 1, positions below 2^24 */
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* What position p of a head adds to the score of key j (ALiBi: Press et al. 2022, section 3).
 * Falcon's is not relative to p, its factors and it are rounded, and it is scaled as scores are. */
static float bias_of(const cril_model *m, const struct cril_layer *l, size_t head, size_t p,
                     size_t j)
{
    const float slope = m->slopes[head];
    if (m->config.slopes_rounded)
        return to_bfloat16(to_bfloat16(slope) * to_bfloat16((float)j)) * l->attention_scale;
    return -slope * (float)(p - j);
}

/* ---- A block of positions ---- */

/* Scores of keys outside (pos - window, pos] become -infinity: weight 0. s is the row of keys [low,
 * high). */
static void mask(float *s, size_t low, size_t high, size_t pos, size_t window)
{
    size_t first = window && pos >= window ? pos - window + 1 : 0;
    for (size_t j = low; j < first; j++)
        s[j - low] = -INFINITY;
    for (size_t j = pos + 1; j < high; j++)
        s[j - low] = -INFINITY;
}

/* The first key that the positions of the block from `block` on read. */
static size_t lowest_key(size_t block, size_t window)
{
    return window && block >= window ? (block - window + 1) / CRIL_POSITIONS * CRIL_POSITIONS : 0;
}

/* Which sequence, of s and its prefixes, has room for position j, the first of a panel; *end: up to
 * where. */
static const struct cril_sequence *owner_of(const struct cril_sequence *s, size_t j, size_t *end)
{
    for (; j < cril_sequence_base(s); s = s->prefix)
        *end = cril_sequence_base(s);
    return s;
}

/* Scores [rows][n] of keys [low, low + n) of a key head, from queries [rows][key_dim]. */
static void multiply_keys(const struct cril_pass *p, const struct cril_sequence *s,
                          const float *queries, size_t rows, size_t key_head, size_t low,
                          float *scores, size_t n)
{
    const size_t kd = p->m->layers[p->layer].key_dim;
    for (size_t j = low, end; j < low + n; j = end) {
        end = low + n;
        const struct kv kv = kv_of(p, owner_of(s, j, &end));
        const float *k = kv.k + key_head * kd * kv.n_pad;
        for (size_t at = j; at < end; at += CRIL_PANEL_COLUMNS)
            p->k->gemm_f32(queries, kd, rows, k + (at - kv.base) * kd, kd, scores + (at - low), n,
                           false);
    }
}

/* gathered [rows][pad(value_dim)] = weights [rows][n] times values [low, low + n) of a key head. */
static void multiply_values(const struct cril_pass *p, const struct cril_sequence *s,
                            const float *weights, size_t rows, size_t key_head, size_t low,
                            float *gathered, size_t n)
{
    const size_t vp = pad(p->m->layers[p->layer].value_dim);
    for (size_t j = low, end; j < low + n; j = end) {
        end = low + n;
        const struct kv kv = kv_of(p, owner_of(s, j, &end));
        const float *v = kv.v + key_head * vp * kv.n_pad + (j - kv.base) * CRIL_PANEL_COLUMNS;
        for (size_t d = 0; d < vp; d += CRIL_PANEL_COLUMNS)
            p->k->gemm_f32(weights + (j - low), n, rows, v + d * kv.n_pad, end - j, gathered + d,
                           vp, j > low);
    }
}

/* Heads [head, head + g) of all positions at once, which read keys and values of key_head. */
static void attend_heads(const struct cril_pass *p, const struct cril_block *b, size_t key_head,
                         size_t low, size_t high, size_t head, size_t g, float *scratch)
{
    const struct cril_layer *l = &p->m->layers[p->layer];
    const struct cril_sequence *s = &p->sequences[b->rows[0].sequence];
    const size_t kd = l->key_dim, vd = l->value_dim, vp = pad(vd), n = high - low;
    float *queries = scratch, *gathered = queries + CRIL_POSITIONS * kd,
          *scores = gathered + CRIL_POSITIONS * vp;
    float sum[CRIL_POSITIONS];
    for (size_t i = 0; i < b->n; i++)
        memcpy(queries + i * g * kd, cril_block_row(b, p->step->in, i) + head * kd,
               g * kd * sizeof(float));
    p->k->scale(queries, l->attention_scale, b->n * g * kd);
    multiply_keys(p, s, queries, b->n * g, key_head, low, scores, n);
    if (p->m->config.attention_cap > 0)
        p->k->cap(scores, p->m->config.attention_cap, b->n * g * n);
    for (size_t i = 0; i < b->n * g; i++) {
        const size_t position = b->rows[i / g].position;
        for (size_t j = low; p->m->slopes && j <= position; j++)
            scores[i * n + j - low] += bias_of(p->m, l, head + i % g, position, j);
        mask(scores + i * n, low, high, position, l->window);
        sum[i] = p->k->softmax(scores + i * n, n);
    }
    multiply_values(p, s, scores, b->n * g, key_head, low, gathered, n);
    for (size_t i = 0; i < b->n * g; i++) {
        float *out = cril_block_row(b, p->step->out, i / g) + (head + i % g) * vd;
        float r = 1.0f / sum[i];
        for (size_t d = 0; d < vd; d++)
            out[d] = gathered[i * vp + d] * r;
    }
}

static void attend_block(const struct cril_pass *p, const struct cril_block *b, size_t from,
                         size_t to, float *scratch)
{
    const struct cril_layer *l = &p->m->layers[p->layer];
    const size_t block = b->rows[0].position / CRIL_POSITIONS * CRIL_POSITIONS,
                 low = lowest_key(block, l->window), group = l->n_heads / l->n_kv_heads;
    /* Heads of a group go together where positions are few; many fill the kernel's tiles alone, and
       more scores than needed would leave the cache. */
    const size_t together = CRIL_POSITIONS / b->n < group ? CRIL_POSITIONS / b->n : group;
    for (size_t kh = from; kh < to; kh++)
        for (size_t h = 0, g; h < group; h += g) {
            g = group - h < together ? group - h : together;
            attend_heads(p, b, kh, low, block + CRIL_POSITIONS, kh * group + h, g, scratch);
        }
}

static size_t key_heads(const cril_model *m, size_t layer)
{
    return m->layers[layer].n_kv_heads;
}

static size_t attend_scratch(const cril_model *m, size_t layer, size_t n_pad)
{
    const struct cril_layer *l = &m->layers[layer];
    return CRIL_POSITIONS * (l->key_dim + pad(l->value_dim) + n_pad);
}

/* ---- One token ---- */

/* One head: scores over the keys of its range in order, softmax, weighted sum of values. keys and
 * values are those of the head, nk and nv from one position to the next. */
static void attend_head(const cril_model *m, const struct cril_layer *l, size_t head, size_t p,
                        const float *q, const float *keys, size_t nk, const float *values,
                        size_t nv, float *weights, float *out)
{
    const float cap = m->config.attention_cap;
    const size_t low = lowest_key(p / CRIL_POSITIONS * CRIL_POSITIONS, l->window);
    float max = -INFINITY, s[16] = {0};
    for (size_t j = low; j <= p; j++) {
        weights[j] = 0;
        for (size_t d = 0; d < l->key_dim; d++)
            weights[j] = fmaf(q[d], keys[j * nk + d], weights[j]);
        if (cap > 0)
            weights[j] = cap * cril_tanhf(weights[j] / cap);
        if (m->slopes)
            weights[j] += bias_of(m, l, head, p, j);
        if (l->window && p - j >= l->window)
            weights[j] = -INFINITY;
        max = weights[j] > max ? weights[j] : max;
    }
    for (size_t j = low; j <= p; j++) {
        weights[j] = cril_expf(weights[j] - max);
        s[j % 16] += weights[j];
    }
    float r = 1.0f / cril_plain_tree(s);
    for (size_t d = 0; d < l->value_dim; d++) {
        float sum = 0;
        for (size_t j = low; j <= p; j++)
            sum = fmaf(weights[j], values[j * nv + d], sum);
        out[d] = sum * r;
    }
}

static void attend_token(const struct cril_token *t, const struct cril_step *s)
{
    const struct cril_layer *l = &t->m->layers[t->layer];
    const size_t nk = l->n_kv_heads * l->key_dim, nv = l->n_kv_heads * l->value_dim;
    const float *keys = t->state, *values = keys + nk * t->n;
    float *q = t->buffer[s->in];
    for (size_t i = 0; i < l->n_heads * l->key_dim; i++)
        q[i] *= l->attention_scale;
    for (size_t h = 0; h < l->n_heads; h++) {
        const size_t kh = h / (l->n_heads / l->n_kv_heads);
        attend_head(t->m, l, h, t->position, q + h * l->key_dim, keys + kh * l->key_dim, nk,
                    values + kh * l->value_dim, nv, t->scratch,
                    t->buffer[s->out] + h * l->value_dim);
    }
}

/* ---- The row ---- */

/* Keys that n positions see, together. window 0: all earlier ones. */
static double visible_keys(size_t n, size_t window)
{
    const double all = (double)n, max = window && window < n ? (double)window : all;
    return max * (max + 1) / 2 + (all - max) * max;
}

static double multiply_adds(const cril_model *m, size_t layer, const struct cril_step *s, size_t n)
{
    const struct cril_layer *l = &m->layers[layer];
    (void)s;
    return visible_keys(n, l->window) * (double)l->n_heads * (double)(l->key_dim + l->value_dim);
}

const struct cril_op cril_op_attend = {.form = CRIL_ACROSS_POSITIONS,
                                       .state = &kv_state,
                                       .across = attend_block,
                                       .parts = key_heads,
                                       .scratch = attend_scratch,
                                       .plain = attend_token,
                                       .multiply_adds = multiply_adds};
