#include "model/reference.h"

#include "kernels/kernels.h"
#include "model/model.h"
#include "util/fail.h"
#include "util/fmath.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sum of 16 partial sums: pairs 8 apart, then 4, 2, 1. */
static float tree(float s[16])
{
    for (int h = 8; h > 0; h /= 2)
        for (int i = 0; i < h; i++)
            s[i] += s[i + h];
    return s[0];
}

static void rms_norm(const float *x, const float *w, size_t n, float eps, float *y)
{
    float s[16] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 16] += x[i] * x[i];
    float r = 1.0f / sqrtf(tree(s) / (float)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * r * w[i];
}

/* 32 activations as 16-bit integers times one scale. */
static float quantise(const float *x, int32_t *q)
{
    float max = 0;
    for (int i = 0; i < 32; i++)
        max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
    bool zero = !(max > 1e-30f);
    for (int i = 0; i < 32; i++)
        q[i] = zero ? 0 : (int32_t)rintf(x[i] * (32767.0f / max));
    return zero ? 0 : max / 32767.0f;
}

/* Weights as numbers: one fma chain. */
static float dot_float(const struct cril_matrix *m, size_t r, const float *x)
{
    float sum = 0;
    for (size_t i = 0; i < m->columns; i++)
        sum = fmaf(x[i], cril_matrix_element(m, r, i), sum);
    return sum;
}

/* Weights as small integers: exact integer sums of a group, scaled into one fma chain. */
static float dot_int(const struct cril_dtype_info *t, const uint8_t *row, const float *x, size_t n)
{
    int8_t w[256];
    float scale[16], min[16], sum = 0, a_scale = 0;
    int32_t a[32] = {0};
    for (size_t i = 0; i < n; i += t->group) {
        size_t in_block = i % t->block_len;
        if (in_block == 0)
            t->unpack(row + i / t->block_len * t->block_bytes, w, scale, min);
        if (i % 32 == 0)
            a_scale = quantise(x + i, a);
        int32_t product = 0, total = 0;
        for (size_t j = 0; j < t->group; j++) {
            product += a[i % 32 + j] * w[in_block + j];
            total += a[i % 32 + j];
        }
        sum = fmaf((float)product, a_scale * scale[in_block / t->group], sum);
        if (t->has_min)
            sum = fmaf((float)total * a_scale, min[in_block / t->group], sum);
    }
    return sum;
}

static void multiply(const struct cril_matrix *w, const float *x, float *y)
{
    const struct cril_dtype_info *t = &cril_dtypes[w->type];
    for (size_t r = 0; r < w->rows; r++)
        y[r] = t->group ? dot_int(t, cril_matrix_row(w, r), x, w->columns) : dot_float(w, r, x);
}

/* Turns one head x by its position: pair i by the angle of cosine c[i] and sine s[i]. */
static void turn(const struct cril_rope *r, const float *c, const float *s, float *x)
{
    const size_t half = r->n_rot / 2, step = r->halves ? 1 : 2, other = r->halves ? half : 1;
    for (size_t i = 0; i < half; i++) {
        float a = x[i * step], b = x[i * step + other];
        x[i * step] = a * c[i] - b * s[i];
        x[i * step + other] = b * c[i] + a * s[i];
    }
}

static void add(float *x, const float *y, size_t n)
{
    for (size_t i = 0; y && i < n; i++)
        x[i] += y[i];
}

/* One head at position p: scores over the keys of its range in order, softmax, weighted sum of
 * values. */
static void attend_head(const struct cril_config *c, size_t window, size_t p, const float *q,
                        const float *keys, const float *values, float *weights, float *out)
{
    const size_t hd = c->head_dim, ld = c->n_kv_heads * hd, block = p / 32 * 32;
    const size_t low = window && block >= window ? (block - window + 1) / 32 * 32 : 0;
    float max = -INFINITY, s[16] = {0};
    for (size_t j = low; j <= p; j++) {
        weights[j] = 0;
        for (size_t d = 0; d < hd; d++)
            weights[j] = fmaf(q[d], keys[j * ld + d], weights[j]);
        if (window && p - j >= window)
            weights[j] = -INFINITY;
        max = weights[j] > max ? weights[j] : max;
    }
    for (size_t j = low; j <= p; j++) {
        weights[j] = cril_expf(weights[j] - max);
        s[j % 16] += weights[j];
    }
    float r = 1.0f / tree(s);
    for (size_t d = 0; d < hd; d++) {
        float sum = 0;
        for (size_t j = low; j <= p; j++)
            sum = fmaf(weights[j], values[j * ld + d], sum);
        out[d] = sum * r;
    }
}

struct state {
    float *x, *n, *q, *a, *t, *g, *u, *weights, *c, *s; /* of one token */
    float *keys, *values; /* [n_layers][n tokens][n_kv_heads * head_dim] */
};

static void heads(const struct cril_model *m, const struct cril_layer *l, const struct state *st,
                  const float *w, float *x, size_t n)
{
    for (size_t h = 0; h < n; h++) {
        float *head = x + h * m->config.head_dim;
        if (w)
            rms_norm(head, w, m->config.head_dim, m->config.eps, head);
        turn(&m->rope[l->rope], st->c, st->s, head);
    }
}

/* One layer for the token at position p. */
static void layer(const struct cril_model *m, size_t i, const struct state *st, size_t p,
                  size_t n_tokens)
{
    const struct cril_config *c = &m->config;
    const struct cril_layer *l = &m->layers[i];
    const size_t hd = c->head_dim, d = c->n_embd, dk = c->n_kv_heads * hd;
    float *keys = st->keys + i * n_tokens * dk, *values = st->values + i * n_tokens * dk;
    float *k = keys + p * dk, *v = values + p * dk;

    rms_norm(st->x, l->vector[CRIL_W_ATTN_NORM], d, c->eps, st->n);
    multiply(&l->matrix[CRIL_W_Q], st->n, st->q);
    multiply(&l->matrix[CRIL_W_K], st->n, k);
    multiply(&l->matrix[CRIL_W_V], st->n, v);
    add(st->q, l->vector[CRIL_W_Q_BIAS], c->n_heads * hd);
    add(k, l->vector[CRIL_W_K_BIAS], dk);
    add(v, l->vector[CRIL_W_V_BIAS], dk);
    cril_rope_row(&m->rope[l->rope], p, st->c, st->s);
    heads(m, l, st, l->vector[CRIL_W_Q_NORM], st->q, c->n_heads);
    heads(m, l, st, l->vector[CRIL_W_K_NORM], k, c->n_kv_heads);
    for (size_t j = 0; j < c->n_heads * hd; j++)
        st->q[j] *= c->attention_scale;
    for (size_t h = 0; h < c->n_heads; h++) {
        size_t kh = h / (c->n_heads / c->n_kv_heads);
        attend_head(c, l->window, p, st->q + h * hd, keys + kh * hd, values + kh * hd, st->weights,
                    st->a + h * hd);
    }
    multiply(&l->matrix[CRIL_W_O], st->a, st->t);
    add(st->t, l->vector[CRIL_W_O_BIAS], d);
    if (l->vector[CRIL_W_POST_ATTN_NORM])
        rms_norm(st->t, l->vector[CRIL_W_POST_ATTN_NORM], d, c->eps, st->t);
    add(st->x, st->t, d);

    rms_norm(st->x, l->vector[CRIL_W_FFN_NORM], d, c->eps, st->n);
    multiply(&l->matrix[CRIL_W_GATE], st->n, st->g);
    multiply(&l->matrix[CRIL_W_UP], st->n, st->u);
    bool gelu = strcmp(m->family->architecture, "gemma3") == 0;
    for (size_t j = 0; j < c->n_ff; j++)
        st->g[j] = (gelu ? cril_geluf(st->g[j]) : cril_siluf(st->g[j])) * st->u[j];
    multiply(&l->matrix[CRIL_W_DOWN], st->g, st->t);
    if (l->vector[CRIL_W_POST_FFN_NORM])
        rms_norm(st->t, l->vector[CRIL_W_POST_FFN_NORM], d, c->eps, st->t);
    add(st->x, st->t, d);
}

/* -ln of the softmax at target, chunk by chunk of CRIL_CHUNK logits. */
static double surprise(const float *logits, size_t n, size_t target)
{
    double max = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        max = logits[i] > max ? logits[i] : max;
    for (size_t from = 0; from < n; from += CRIL_CHUNK) {
        size_t to = n - from < CRIL_CHUNK ? n : from + CRIL_CHUNK;
        float top = -INFINITY, s[16] = {0};
        for (size_t i = from; i < to; i++)
            top = logits[i] > top ? logits[i] : top;
        for (size_t i = from; i < to; i++)
            s[i % 16] += cril_expf(logits[i] - top);
        sum += (double)tree(s) * cril_exp((double)top - max);
    }
    double nats = max - logits[target] + cril_log(sum);
    return nats < 0 ? 0 : nats;
}

cril_status cril_reference_nats(const cril_model *m, const int32_t *ids, size_t n, double *nats,
                                cril_error *err)
{
    const struct cril_config *c = &m->config;
    const size_t d = c->n_embd, dq = c->n_heads * c->head_dim, dk = c->n_kv_heads * c->head_dim;
    float *memory = calloc(3 * d + 2 * dq + 2 * c->n_ff + n + c->head_dim +
                               2 * c->n_layers * n * dk + m->n_vocab,
                           sizeof(float));
    if (!memory)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    struct state st;
    st.x = memory, st.n = st.x + d, st.t = st.n + d, st.q = st.t + d, st.a = st.q + dq,
    st.g = st.a + dq, st.u = st.g + c->n_ff;
    st.weights = st.u + c->n_ff, st.c = st.weights + n, st.s = st.c + c->head_dim / 2;
    st.keys = st.c + c->head_dim, st.values = st.keys + c->n_layers * n * dk;
    float *logits = st.values + c->n_layers * n * dk;
    for (size_t p = 0; p + 1 < n; p++) {
        cril_matrix_load_row(&m->embedding, (size_t)ids[p], st.x);
        for (size_t i = 0; i < d; i++)
            st.x[i] *= c->embedding_scale;
        for (size_t i = 0; i < c->n_layers; i++)
            layer(m, i, &st, p, n);
        rms_norm(st.x, m->output_norm, d, c->eps, st.n);
        multiply(&m->output, st.n, logits);
        nats[p] = surprise(logits, m->n_vocab, (size_t)ids[p + 1]);
    }
    free(memory);
    return CRIL_OK;
}
