/*
 * All windows go through one layer before the next is touched, so that a layer's weights are packed once for thousands
 * of rows. Each layer is: pack its matrices (in parallel, by panels); the steps before attention for blocks of rows,
 * whose keys and values land in panels; attention and the steps after it for blocks of rows. The last layer's second half, the
 * final norm and the vocabulary matrix see scored rows only, and logits exist a chunk of columns at a time: of each row stay
 * the chunk's maximum, its sum of exponentials, and the target's logit.
 */
#include "model/engine.h"

#include "kernels/fmath.h"
#include "kernels/kernels.h"
#include "model/attention.h"
#include "model/model.h"
#include "model/packing.h"
#include "util/fail.h"
#include "util/size.h"
#include "util/threads.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 96 }; /* rows that a task takes through a phase: their activations fit in the second-level cache */

struct buffer {
    void *data; /* 64-byte aligned */
    size_t bytes;
};

/* A worker's own memory. */
struct scratch {
    float *buffers[CRIL_N_BUFFERS]; /* [ROWS][ld of the buffer] */
    struct cril_acts acts;          /* [ROWS], k set for each product */
    struct buffer attention;        /* grows with the longest window */
    struct buffer chunk;            /* panels of CRIL_CHUNK rows of the vocabulary matrix */
    float *logits;                  /* [ROWS][CRIL_CHUNK] */
    struct buffer memory;           /* what all of the above but attention and chunk point into */
};

struct row {
    const struct cril_window *window;
    struct cril_kv *kv;
    size_t position;
};

struct engine_batch {
    const struct cril_window *windows;
    size_t n_windows, n_rows, n_live, longest;
    struct buffer rows, kvs, live, x, q, kv, rotation; /* x, q: [n_rows][ld]; live: row numbers of scored positions */
    struct buffer normed;                              /* [n_live][n_embd] after the final norm */
    struct buffer acts, partial, target;               /* partial [chunks][n_live][2], target [n_live] */
    struct cril_acts normed_acts;
};

struct cril_engine {
    const cril_model *m;
    const struct cril_kernels *k;
    cril_pool *pool;
    struct scratch *scratch; /* [threads] */
    size_t ld[CRIL_N_BUFFERS]; /* widths rounded up to whole panels */
    size_t attend_step;        /* index of CRIL_OP_ATTEND in the family's steps */
    struct engine_batch b;
    struct buffer weights;     /* panels of the layer at work */
    struct cril_packed packed[CRIL_N_SLOTS];
    size_t first_panel[CRIL_N_SLOTS + 1]; /* tasks of packing, by slot */
    size_t layer;
    _Atomic(const char *) damaged; /* a tensor with a value that is not finite */
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* At least count * size bytes, the old content gone. */
static bool reserve(struct buffer *b, size_t count, size_t size)
{
    size_t bytes;
    if (!cril_size_mul(count, size, &bytes) || bytes > SIZE_MAX - 64)
        return false;
    if (bytes <= b->bytes)
        return true;
    free(b->data);
    b->bytes = round_up(bytes, 64);
    b->data = aligned_alloc(64, b->bytes);
    if (!b->data)
        b->bytes = 0;
    return b->data != NULL;
}

static cril_status no_memory(const struct cril_engine *e, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for the forward pass; try a smaller batch or context",
                     e->m->path);
}

/* ---- Layers ---- */

static float *rotation_row(const struct cril_engine *e, unsigned rope, size_t position)
{
    const size_t half = e->m->config.head_dim / 2 + 1;
    return (float *)e->b.rotation.data + (rope * e->b.longest + position) * 2 * half;
}

static void matmul(const struct cril_engine *e, struct scratch *s, const struct cril_step *step, float *const *buffers,
                   size_t m, enum cril_buffer *quantised)
{
    const struct cril_packed *w = &e->packed[step->w];
    s->acts.k = w->k;
    if (!w->f && *quantised != step->in) {
        for (size_t i = 0; i < m; i++)
            e->k->quantise(buffers[step->in] + i * e->ld[step->in], &s->acts, i);
        *quantised = step->in;
    }
    cril_packed_multiply(e->k, w, buffers[step->in], e->ld[step->in], &s->acts, 0, m, buffers[step->out],
                         e->ld[step->out]);
}

static void each_head(const struct cril_engine *e, const struct cril_step *step, float *x, size_t position)
{
    const struct cril_config *c = &e->m->config;
    const struct cril_layer *l = &e->m->layers[e->layer];
    const struct cril_rope *r = &e->m->rope[l->rope];
    const float *row = rotation_row(e, l->rope, position);
    void (*rotate)(float *, const float *, const float *, size_t) = r->halves ? e->k->rotate_halves : e->k->rotate_pairs;
    for (size_t h = 0; h < cril_buffer_width(c, step->out) / c->head_dim; h++) {
        float *head = x + h * c->head_dim;
        if (step->op == CRIL_OP_ROPE)
            rotate(head, row, row + r->n_rot / 2, r->n_rot / 2);
        else
            e->k->rms_norm(head, l->vector[step->w], c->head_dim, c->eps, head);
    }
}

/* Steps [from, to) for m rows. rows names them, for their positions. */
static void run_steps(const struct cril_engine *e, struct scratch *s, size_t from, size_t to, float *const *buffers,
                      size_t m, const struct row *const *rows)
{
    const struct cril_config *c = &e->m->config;
    enum cril_buffer quantised = CRIL_N_BUFFERS; /* whose numbers s->acts holds */
    for (const struct cril_step *step = e->m->family->steps + from; step < e->m->family->steps + to; step++) {
        const size_t n = cril_buffer_width(c, step->out), ldi = e->ld[step->in], ldo = e->ld[step->out];
        const float *in = buffers[step->in], *w = e->m->layers[e->layer].vector[step->w];
        float *out = buffers[step->out];
        if (step->op == CRIL_OP_MATMUL) {
            matmul(e, s, step, buffers, m, &quantised);
        } else if (step->op != CRIL_OP_BIAS || w) {
            for (size_t i = 0; i < m; i++) {
                switch (step->op) {
                case CRIL_OP_NORM:
                    e->k->rms_norm(in + i * ldi, w, n, c->eps, out + i * ldo);
                    break;
                case CRIL_OP_BIAS:
                    e->k->add(out + i * ldo, w, n);
                    break;
                case CRIL_OP_HEAD_NORM:
                case CRIL_OP_ROPE:
                    each_head(e, step, out + i * ldo, rows[i]->position);
                    break;
                case CRIL_OP_SILU_MUL:
                    e->k->silu_mul(out + i * ldo, in + i * ldi, n);
                    break;
                case CRIL_OP_GELU_MUL:
                    e->k->gelu_mul(out + i * ldo, in + i * ldi, n);
                    break;
                case CRIL_OP_ADD:
                    e->k->add(out + i * ldo, in + i * ldi, n);
                    break;
                default: /* MATMUL is above, ATTEND is not among [from, to) */
                    break;
                }
            }
        }
        if (quantised == step->out)
            quantised = CRIL_N_BUFFERS;
    }
}

static void pack_task(void *arg, size_t task, size_t worker)
{
    struct cril_engine *e = arg;
    size_t slot = 0;
    (void)worker;
    while (task >= e->first_panel[slot + 1])
        slot++;
    const struct gguf_tensor *t = e->m->layers[e->layer].matrix[slot];
    if (!cril_pack_panel(t->type, t->data, &e->packed[slot], task - e->first_panel[slot]))
        atomic_store(&e->damaged, t->name);
}

/* Where each matrix of the layer goes, and how many panels it has. Returns the bytes of all. */
static bool place_layer(struct cril_engine *e, size_t layer, bool set, size_t *total)
{
    size_t bytes, at = 0, panels = 0;
    for (size_t s = 0; s < CRIL_N_SLOTS; s++) {
        const struct gguf_tensor *t = e->m->layers[layer].matrix[s];
        e->first_panel[s] = panels;
        if (!t)
            continue;
        if (!cril_packed_bytes(e->k, t, (size_t)t->ne[1], &bytes))
            return false;
        if (set)
            cril_packed_place(e->k, t, (size_t)t->ne[1], (unsigned char *)e->weights.data + at, &e->packed[s]);
        if (!cril_size_add(at, bytes, &at))
            return false;
        panels += cril_panels((size_t)t->ne[1]);
    }
    e->first_panel[CRIL_N_SLOTS] = panels;
    *total = at;
    return true;
}

/* Embedding on the way into the first layer; keys and values out of the first half of each. */
static void before_task(void *arg, size_t task, size_t worker)
{
    struct cril_engine *e = arg;
    const struct cril_config *c = &e->m->config;
    struct scratch *s = &e->scratch[worker];
    const size_t first = task * ROWS, m = e->b.n_rows - first < ROWS ? e->b.n_rows - first : ROWS;
    const size_t ldq = e->ld[CRIL_BUF_Q], dq = cril_buffer_width(c, CRIL_BUF_Q);
    const struct row *row = (const struct row *)e->b.rows.data + first, *rows[ROWS] = {0};
    float *buffers[CRIL_N_BUFFERS];
    memcpy(buffers, s->buffers, sizeof(buffers));
    buffers[CRIL_BUF_X] = (float *)e->b.x.data + first * e->ld[CRIL_BUF_X];
    buffers[CRIL_BUF_Q] = (float *)e->b.q.data + first * ldq;
    for (size_t i = 0; i < m; i++)
        rows[i] = row + i;
    run_steps(e, s, 0, e->attend_step, buffers, m, rows);
    for (size_t i = 0; i < m; i++) {
        e->k->scale(buffers[CRIL_BUF_Q] + i * ldq, c->attention_scale, dq);
        cril_kv_store(c, row[i].kv, row[i].position, buffers[CRIL_BUF_K] + i * e->ld[CRIL_BUF_K],
                      buffers[CRIL_BUF_V] + i * e->ld[CRIL_BUF_V]);
    }
}

/* Attention for rows of one window, block by block of 32 positions. */
static void attend_rows(const struct cril_engine *e, struct scratch *s, size_t m, const struct row *const *rows,
                        float *const *buffers)
{
    const struct row *all = e->b.rows.data;
    for (size_t i = 0, n; i < m; i += n) {
        size_t pos[32];
        const float *q[32];
        for (n = 0; i + n < m && rows[i + n]->window == rows[i]->window &&
                    rows[i + n]->position / 32 == rows[i]->position / 32;
             n++) {
            pos[n] = rows[i + n]->position;
            q[n] = (const float *)e->b.q.data + (size_t)(rows[i + n] - all) * e->ld[CRIL_BUF_Q];
        }
        cril_attend(e->k, &e->m->config, rows[i]->kv, e->m->layers[e->layer].window, n, pos, q,
                    buffers[CRIL_BUF_A] + i * e->ld[CRIL_BUF_A], e->ld[CRIL_BUF_A], s->attention.data);
    }
}

/* The second half of a layer, for all rows, in the last layer for the scored ones. */
static void after_task(void *arg, size_t task, size_t worker)
{
    struct cril_engine *e = arg;
    struct scratch *s = &e->scratch[worker];
    const bool last = e->layer + 1 == e->m->config.n_layers;
    const size_t total = last ? e->b.n_live : e->b.n_rows, first = task * ROWS;
    const size_t m = total - first < ROWS ? total - first : ROWS, ldx = e->ld[CRIL_BUF_X];
    const size_t *live = e->b.live.data;
    const struct row *all = e->b.rows.data, *rows[ROWS] = {0};
    float *x = e->b.x.data, *const *buffers = s->buffers;
    for (size_t i = 0; i < m; i++) {
        rows[i] = all + (last ? live[first + i] : first + i);
        memcpy(buffers[CRIL_BUF_X] + i * ldx, x + (size_t)(rows[i] - all) * ldx, ldx * sizeof(float));
    }
    attend_rows(e, s, m, rows, buffers);
    run_steps(e, s, e->attend_step + 1, e->m->family->n_steps, buffers, m, rows);
    for (size_t i = 0; i < m; i++)
        memcpy(x + (size_t)(rows[i] - all) * ldx, buffers[CRIL_BUF_X] + i * ldx, ldx * sizeof(float));
}

static void embed_task(void *arg, size_t task, size_t worker)
{
    struct cril_engine *e = arg;
    const struct gguf_tensor *t = e->m->embedding;
    const size_t row_bytes = (size_t)(t->bytes / t->ne[1]), d = e->m->config.n_embd, ldx = e->ld[CRIL_BUF_X];
    const struct row *row = e->b.rows.data;
    (void)worker;
    for (size_t r = task * ROWS; r < e->b.n_rows && r < (task + 1) * ROWS; r++) {
        float *x = (float *)e->b.x.data + r * ldx;
        size_t id = (size_t)row[r].window->ids[row[r].position];
        cril_dequantise(t->type, t->data + id * row_bytes, d, x);
        memset(x + d, 0, (ldx - d) * sizeof(float));
        if (e->m->config.embedding_scale < 1 || e->m->config.embedding_scale > 1)
            e->k->scale(x, e->m->config.embedding_scale, d);
    }
}

/* ---- Vocabulary ---- */

static void norm_task(void *arg, size_t task, size_t worker)
{
    struct cril_engine *e = arg;
    const size_t *live = e->b.live.data, d = e->m->config.n_embd, ldx = e->ld[CRIL_BUF_X];
    (void)worker;
    for (size_t i = task * ROWS; i < e->b.n_live && i < (task + 1) * ROWS; i++) {
        float *y = (float *)e->b.normed.data + i * d;
        e->k->rms_norm((const float *)e->b.x.data + live[i] * ldx, e->m->output_norm, d, e->m->config.eps, y);
        if (cril_dtypes[e->m->output->type].group)
            e->k->quantise(y, &e->b.normed_acts, i);
    }
}

static int32_t target_of(const struct row *r)
{
    return r->window->targets[r->position - r->window->first];
}

/* One chunk of columns for all scored rows. */
static void chunk_task(void *arg, size_t task, size_t worker)
{
    struct cril_engine *e = arg;
    struct scratch *s = &e->scratch[worker];
    const struct gguf_tensor *t = e->m->output;
    const size_t first = task * CRIL_CHUNK, left = e->m->n_vocab - first, n = left < CRIL_CHUNK ? left : CRIL_CHUNK;
    const size_t *live = e->b.live.data;
    const struct row *rows = e->b.rows.data;
    float *partial = (float *)e->b.partial.data + task * e->b.n_live * 2, *target = e->b.target.data;
    struct cril_packed w;
    cril_packed_place(e->k, t, n, s->chunk.data, &w);
    for (size_t p = 0; p < cril_panels(n); p++)
        if (!cril_pack_panel(t->type, t->data + first * (size_t)(t->bytes / t->ne[1]), &w, p))
            atomic_store(&e->damaged, t->name);
    for (size_t i = 0; i < e->b.n_live; i += ROWS) {
        const size_t m = e->b.n_live - i < ROWS ? e->b.n_live - i : ROWS;
        cril_packed_multiply(e->k, &w, e->b.normed.data, w.k, &e->b.normed_acts, i, m, s->logits, CRIL_CHUNK);
        for (size_t r = 0; r < m; r++) {
            float *l = s->logits + r * CRIL_CHUNK;
            size_t want = (size_t)target_of(&rows[live[i + r]]), padded = round_up(n, 16);
            if (want >= first && want < first + n)
                target[i + r] = l[want - first];
            for (size_t j = n; j < padded; j++)
                l[j] = -INFINITY;
            e->k->logsum(l, padded, &partial[(i + r) * 2], &partial[(i + r) * 2 + 1]);
        }
    }
}

/* -ln p of scored row i: chunks joined in order, in double. */
static double join_chunks(const struct cril_engine *e, size_t i)
{
    const size_t chunks = (e->m->n_vocab + CRIL_CHUNK - 1) / CRIL_CHUNK;
    const float *partial = e->b.partial.data;
    double max = -INFINITY, sum = 0;
    for (size_t c = 0; c < chunks; c++) {
        double v = partial[(c * e->b.n_live + i) * 2];
        max = v > max ? v : max;
        if (!isfinite(v))
            return NAN;
    }
    for (size_t c = 0; c < chunks; c++) {
        const float *p = partial + (c * e->b.n_live + i) * 2;
        sum += (double)p[1] * cril_exp((double)p[0] - max);
    }
    double nats = max - (double)((const float *)e->b.target.data)[i] + cril_log(sum);
    return nats < 0 ? 0 : nats; /* a certain token: rounding may leave -1e-8 */
}

static cril_status collect(struct cril_engine *e, cril_error *err)
{
    const size_t *live = e->b.live.data;
    const struct row *rows = e->b.rows.data;
    for (size_t i = 0; i < e->b.n_live; i++) {
        const struct row *r = &rows[live[i]];
        double nats = join_chunks(e, i);
        if (!isfinite(nats))
            return cril_fail(err, CRIL_ERR_NUMERIC, "%s: a logit is not finite after token %d at position %zu of a window; the weights may be damaged",
                             e->m->path, (int)r->window->ids[r->position], r->position);
        r->window->nats[r->position - r->window->first] = nats;
    }
    return CRIL_OK;
}

/* ---- A batch ---- */

static cril_status check_window(const struct cril_engine *e, const struct cril_window *w, cril_error *err)
{
    if (w->n < 1 || w->n > e->m->config.n_ctx || w->first >= w->n)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: a window of %zu tokens, of a model made for at most %zu", e->m->path, w->n,
                         e->m->config.n_ctx);
    for (size_t i = 0; i < w->n; i++) {
        int32_t target = i >= w->first ? w->targets[i - w->first] : 0;
        if (w->ids[i] < 0 || (size_t)w->ids[i] >= e->m->n_vocab || target < 0 || (size_t)target >= e->m->n_vocab)
            return cril_fail(err, CRIL_ERR_RANGE, "%s: token id %d is outside the vocabulary of %zu", e->m->path,
                             (int)w->ids[i], e->m->n_vocab);
    }
    return CRIL_OK;
}

static bool reserve_batch(struct cril_engine *e, size_t n_padded)
{
    struct engine_batch *b = &e->b;
    const struct cril_config *c = &e->m->config;
    const size_t d = c->n_embd, chunks = (e->m->n_vocab + CRIL_CHUNK - 1) / CRIL_CHUNK;
    const size_t kv_floats = cril_kv_k_floats(c, 1) + cril_kv_v_floats(c, 1);
    bool ok = reserve(&b->rows, b->n_rows, sizeof(struct row)) && reserve(&b->kvs, b->n_windows, sizeof(struct cril_kv)) &&
              reserve(&b->live, b->n_live, sizeof(size_t)) && reserve(&b->x, b->n_rows, e->ld[CRIL_BUF_X] * sizeof(float)) &&
              reserve(&b->q, b->n_rows, e->ld[CRIL_BUF_Q] * sizeof(float)) &&
              reserve(&b->kv, n_padded, kv_floats * sizeof(float)) &&
              reserve(&b->rotation, b->longest, 4 * (c->head_dim / 2 + 1) * sizeof(float)) &&
              reserve(&b->normed, b->n_live, d * sizeof(float)) && reserve(&b->target, b->n_live, sizeof(float)) &&
              reserve(&b->partial, b->n_live, chunks * 2 * sizeof(float));
    for (size_t i = 0; ok && i < cril_pool_threads(e->pool); i++)
        ok = reserve(&e->scratch[i].attention, cril_attend_scratch(c, round_up(b->longest, CRIL_NR)), sizeof(float));
    if (ok && cril_dtypes[e->m->output->type].group) {
        size_t blocks = d / CRIL_A_BLOCK;
        ok = reserve(&b->acts, b->n_live, blocks * (CRIL_A_BLOCK * sizeof(int16_t) + 4 * sizeof(float)));
        float *f = b->acts.data;
        b->normed_acts = (struct cril_acts){.k = d, .scale = f};
        if (ok) {
            b->normed_acts.sum32 = f + b->n_live * blocks;
            b->normed_acts.sum16 = f + b->n_live * blocks * 2;
            b->normed_acts.q = (int16_t *)(f + b->n_live * blocks * 4);
        }
    }
    return ok;
}

/* Rows, key and value panels (zeroed: lanes past a window's end must hold numbers), rotations. */
static void lay_out(struct cril_engine *e)
{
    struct engine_batch *b = &e->b;
    const struct cril_config *c = &e->m->config;
    struct row *row = b->rows.data;
    struct cril_kv *kv = b->kvs.data;
    size_t *live = b->live.data, r = 0;
    float *memory = b->kv.data;
    for (size_t i = 0; i < b->n_windows; i++, kv++) {
        const struct cril_window *w = &b->windows[i];
        kv->n_pad = round_up(w->n, CRIL_NR);
        kv->k = memory;
        kv->v = kv->k + cril_kv_k_floats(c, kv->n_pad);
        float *end = kv->v + cril_kv_v_floats(c, kv->n_pad);
        memset(memory, 0, (size_t)(end - memory) * sizeof(float));
        memory = end;
        for (size_t p = 0; p < w->n; p++, r++) {
            row[r] = (struct row){.window = w, .kv = kv, .position = p};
            if (p >= w->first)
                *live++ = r;
        }
    }
    for (unsigned k = 0; k < 2; k++)
        for (size_t p = 0; e->m->rope[k].freq && p < b->longest; p++) {
            float *at = rotation_row(e, k, p);
            cril_rope_row(&e->m->rope[k], p, at, at + e->m->rope[k].n_rot / 2);
        }
}

static size_t tasks(size_t rows)
{
    return (rows + ROWS - 1) / ROWS;
}

cril_status cril_engine_score(struct cril_engine *e, const struct cril_window *windows, size_t n_windows,
                              cril_engine_poll poll, void *user, cril_error *err)
{
    struct engine_batch *b = &e->b;
    size_t n_padded = 0, ignored;
    b->windows = windows;
    b->n_windows = n_windows;
    b->n_rows = b->n_live = b->longest = 0;
    for (size_t i = 0; i < n_windows; i++) {
        cril_status st = check_window(e, &windows[i], err);
        if (st != CRIL_OK)
            return st;
        b->n_rows += windows[i].n;
        b->n_live += windows[i].n - windows[i].first;
        b->longest = windows[i].n > b->longest ? windows[i].n : b->longest;
        n_padded += round_up(windows[i].n, CRIL_NR);
    }
    if (!n_windows)
        return CRIL_OK;
    if (!reserve_batch(e, n_padded))
        return no_memory(e, err);
    lay_out(e);
    atomic_store(&e->damaged, NULL);
    cril_pool_run(e->pool, tasks(b->n_rows), embed_task, e);
    for (e->layer = 0; e->layer < e->m->config.n_layers; e->layer++) {
        if (poll && poll(user, (double)e->layer / (double)(e->m->config.n_layers + 1)) != 0)
            return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
        place_layer(e, e->layer, true, &ignored);
        cril_pool_run(e->pool, e->first_panel[CRIL_N_SLOTS], pack_task, e);
        cril_pool_run(e->pool, tasks(b->n_rows), before_task, e);
        cril_pool_run(e->pool, tasks(e->layer + 1 < e->m->config.n_layers ? b->n_rows : b->n_live), after_task, e);
    }
    cril_pool_run(e->pool, tasks(b->n_live), norm_task, e);
    cril_pool_run(e->pool, (e->m->n_vocab + CRIL_CHUNK - 1) / CRIL_CHUNK, chunk_task, e);
    const char *damaged = atomic_load(&e->damaged);
    if (damaged)
        return cril_fail(err, CRIL_ERR_NUMERIC, "%s: tensor %s holds a value that is not finite; the file is damaged, fetch it again",
                         e->m->path, damaged);
    return collect(e, err);
}

/* ---- Life ---- */

/* A worker's buffers in one piece: activations fp32 and 16-bit, logits. */
static bool create_scratch(const struct cril_engine *e, struct scratch *s)
{
    size_t floats = ROWS * CRIL_CHUNK, widest = 0, chunk;
    for (size_t i = 0; i < CRIL_N_BUFFERS; i++) {
        floats += ROWS * e->ld[i];
        widest = e->ld[i] > widest ? e->ld[i] : widest;
    }
    const size_t blocks = widest / CRIL_A_BLOCK;
    if (!cril_packed_bytes(e->k, e->m->output, CRIL_CHUNK, &chunk) || !reserve(&s->chunk, chunk, 1) ||
        !reserve(&s->memory, floats + ROWS * blocks * 4 + ROWS * widest / 2, sizeof(float)))
        return false;
    float *f = s->memory.data;
    for (size_t i = 0; i < CRIL_N_BUFFERS; f += ROWS * e->ld[i], i++)
        s->buffers[i] = f;
    s->logits = f;
    s->acts.scale = s->logits + ROWS * CRIL_CHUNK;
    s->acts.sum32 = s->acts.scale + ROWS * blocks;
    s->acts.sum16 = s->acts.sum32 + ROWS * blocks;
    s->acts.q = (int16_t *)(s->acts.sum16 + ROWS * blocks * 2);
    return true;
}

cril_status cril_engine_create(const cril_model *m, const struct cril_kernels *k, unsigned threads,
                               struct cril_engine **out, cril_error *err)
{
    struct cril_engine *e = calloc(1, sizeof(*e));
    size_t most = 0, bytes;
    cril_status st;
    if (!e)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    e->m = m;
    e->k = k;
    for (size_t i = 0; i < CRIL_N_BUFFERS; i++)
        e->ld[i] = round_up(cril_buffer_width(&m->config, (enum cril_buffer)i), CRIL_NR);
    while (m->family->steps[e->attend_step].op != CRIL_OP_ATTEND)
        e->attend_step++;
    if ((st = cril_pool_create(threads ? threads : cril_cpu_count(), &e->pool, err)) != CRIL_OK)
        goto fail;
    st = CRIL_ERR_NOMEM;
    for (size_t i = 0; i < m->config.n_layers; i++) {
        if (!place_layer(e, i, false, &bytes))
            goto no_memory;
        most = bytes > most ? bytes : most;
    }
    if (!reserve(&e->weights, most, 1) || !(e->scratch = calloc(cril_pool_threads(e->pool), sizeof(*e->scratch))))
        goto no_memory;
    for (size_t i = 0; i < cril_pool_threads(e->pool); i++)
        if (!create_scratch(e, &e->scratch[i]))
            goto no_memory;
    *out = e;
    return CRIL_OK;
no_memory:
    st = no_memory(e, err);
fail:
    cril_engine_free(e);
    return st;
}

void cril_engine_free(struct cril_engine *e)
{
    if (!e)
        return;
    struct buffer *const owned[] = {&e->b.rows, &e->b.kvs, &e->b.live, &e->b.x, &e->b.q, &e->b.kv, &e->b.rotation,
                                    &e->b.normed, &e->b.acts, &e->b.partial, &e->b.target, &e->weights};
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        free(owned[i]->data);
    for (size_t i = 0; e->scratch && i < cril_pool_threads(e->pool); i++) {
        free(e->scratch[i].attention.data);
        free(e->scratch[i].chunk.data);
        free(e->scratch[i].memory.data);
    }
    free(e->scratch);
    cril_pool_free(e->pool);
    free(e);
}
