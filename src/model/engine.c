/*
 * All windows go through one stage of a layer before the next is touched (plan.h), so that a
 * stage's matrices are packed once for thousands of rows. The tasks of a stage are blocks of rows;
 * behind them in the same run are those that pack the panels of the next stage into the other half
 * of the memory for panels, which also keeps every thread busy to the end. Keys and values land in
 * panels before attention. In the last layer only scored rows go on from there.
 */
#include "model/engine.h"

#include "model/attention.h"
#include "model/model.h"
#include "model/packing.h"
#include "model/plan.h"
#include "model/rows.h"
#include "model/vocabulary.h"
#include "util/fail.h"
#include "util/memory.h"
#include "util/threads.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A worker's own memory. */
struct scratch {
    float *buffers[CRIL_N_BUFFERS];      /* [CRIL_ROWS][ld]; NULL for those that wait at a cut */
    struct cril_activations activations; /* [CRIL_ROWS], k set for each product */
    struct cril_memory memory;           /* what the above point into */
    struct cril_memory attention;        /* grows with the longest window */
};

struct row {
    const struct cril_window *window;
    struct cril_kv *kv;
    size_t position;
};

/* Matrices of a stage on their way into panels. */
struct packing {
    size_t layer, n_panels;
    size_t n_slots;
    enum cril_slot slot[CRIL_N_SLOTS];
    size_t first_panel[CRIL_N_SLOTS]; /* of each slot above, among the stage's */
};

struct cril_engine {
    const cril_model *m;
    const struct cril_kernels *k;
    cril_pool *pool;
    struct cril_plan plan;
    bool bounded;            /* memory is: pages of the file are let go of */
    struct scratch *scratch; /* [threads] */
    struct cril_vocabulary vocabulary;
    _Atomic(const char *) damaged; /* a tensor with a value that is not finite */

    const struct cril_window *windows; /* of the call at work */
    size_t n_windows, n_rows, longest;
    struct cril_memory rows, kvs, kv, ids, nats, shares;
    struct cril_rotations rotations;
    struct cril_memory
        kept_between_stages[CRIL_N_BUFFERS]; /* [n_rows][ld] where plan.kept_between_stages */

    struct cril_memory panels[2];            /* of the stage at work, of the next */
    struct cril_packed packed[CRIL_N_SLOTS]; /* successive stages have different slots */
    struct packing next;
    size_t layer, stage, n_tasks; /* at work; tasks without those of packing */
};

static cril_status no_memory(const struct cril_engine *e, cril_error *err)
{
    return cril_fail(
        err, CRIL_ERR_NOMEM,
        "%s: out of memory for the forward pass; try a smaller batch, context or --memory",
        e->m->path);
}

/* ---- Steps ---- */

static void matmul(const struct cril_engine *e, struct scratch *s, const struct cril_step *step,
                   float *const *buffers, size_t m, enum cril_buffer *quantised)
{
    const struct cril_packed *w = &e->packed[step->w];
    const size_t *ld = e->plan.ld;
    s->activations.k = w->k;
    if (!w->f && *quantised != step->in) {
        for (size_t i = 0; i < m; i++)
            e->k->quantise(buffers[step->in] + i * ld[step->in], &s->activations, i);
        *quantised = step->in;
    }
    cril_packed_multiply(e->k, w, buffers[step->in], ld[step->in], &s->activations, 0, m,
                         buffers[step->out], ld[step->out]);
}

/* Attention for m rows, block by block of 32 positions of one window. */
static void attend_rows(const struct cril_engine *e, struct scratch *s, const struct row *rows,
                        size_t m, float *const *buffers)
{
    const size_t ldq = e->plan.ld[CRIL_BUF_Q], lda = e->plan.ld[CRIL_BUF_A];
    for (size_t i = 0, n; i < m; i += n) {
        size_t pos[32];
        const float *q[32];
        for (n = 0; i + n < m && rows[i + n].window == rows[i].window &&
                    rows[i + n].position / 32 == rows[i].position / 32;
             n++) {
            pos[n] = rows[i + n].position;
            q[n] = buffers[CRIL_BUF_Q] + (i + n) * ldq;
        }
        cril_attend(e->k, &e->m->config, rows[i].kv, e->m->layers[e->layer].window, 0,
                    e->m->config.n_kv_heads, n, pos, q, buffers[CRIL_BUF_A] + i * lda, lda,
                    s->attention.data);
    }
}

/* Scaled queries; keys and values in their panels. */
static void prepare_attention(const struct cril_engine *e, const struct row *rows, size_t m,
                              float *const *buffers)
{
    const struct cril_config *c = &e->m->config;
    const size_t *ld = e->plan.ld;
    for (size_t i = 0; i < m; i++) {
        e->k->scale(buffers[CRIL_BUF_Q] + i * ld[CRIL_BUF_Q], c->attention_scale,
                    cril_buffer_width(c, CRIL_BUF_Q));
        cril_kv_store(c, rows[i].kv, rows[i].position, buffers[CRIL_BUF_K] + i * ld[CRIL_BUF_K],
                      buffers[CRIL_BUF_V] + i * ld[CRIL_BUF_V]);
    }
}

/* The stage at work is the one that ends before attention. */
static bool attention_follows(const struct cril_engine *e)
{
    const struct cril_family *f = e->m->family;
    const size_t end = e->plan.cut[e->stage + 1];
    return end < f->n_steps && f->steps[end].op == CRIL_OP_ATTEND;
}

/* A block of rows through the stage at work. */
static void run_rows(const struct cril_engine *e, struct scratch *s, size_t first, size_t m)
{
    const struct cril_family *f = e->m->family;
    const struct row *rows = (const struct row *)e->rows.data + first;
    enum cril_buffer quantised = CRIL_N_BUFFERS; /* whose numbers s->activations holds */
    float *buffers[CRIL_N_BUFFERS];
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++)
        buffers[b] = e->plan.kept_between_stages[b]
                         ? (float *)e->kept_between_stages[b].data + first * e->plan.ld[b]
                         : s->buffers[b];
    for (size_t i = e->plan.cut[e->stage]; i < e->plan.cut[e->stage + 1]; i++) {
        const struct cril_step *step = &f->steps[i];
        if (step->op == CRIL_OP_ATTEND)
            attend_rows(e, s, rows, m, buffers);
        else if (step->op == CRIL_OP_MATMUL)
            matmul(e, s, step, buffers, m, &quantised);
        else
            for (size_t r = 0; r < m; r++)
                cril_row_step(e->m, e->k, &e->rotations, e->layer, step,
                              buffers[step->in] + r * e->plan.ld[step->in],
                              buffers[step->out] + r * e->plan.ld[step->out], rows[r].position);
        if (quantised == step->out)
            quantised = CRIL_N_BUFFERS;
    }
    if (attention_follows(e))
        prepare_attention(e, rows, m, buffers);
}

/* ---- Stages ---- */

/* Makes the stage's matrices the next to be packed, into the half that is free, and asks for their
 * pages. */
static void place_next(struct cril_engine *e, size_t layer, size_t stage, unsigned char *memory)
{
    struct packing *p = &e->next;
    *p = (struct packing){.layer = layer};
    for (size_t i = e->plan.cut[stage]; i < e->plan.cut[stage + 1]; i++) {
        const struct cril_step *step = &e->m->family->steps[i];
        const struct cril_matrix *t = &e->m->layers[layer].matrix[step->w];
        size_t bytes = 0;
        if (step->op != CRIL_OP_MATMUL)
            continue;
        cril_packed_place(e->k, t, t->rows, memory, &e->packed[step->w]);
        cril_packed_bytes(e->k, t, t->rows, &bytes); /* the plan has proved that it fits */
        memory += bytes;
        p->slot[p->n_slots] = step->w;
        p->first_panel[p->n_slots++] = p->n_panels;
        p->n_panels += cril_panels(t->rows);
        cril_pages_fetch(t->data, cril_matrix_bytes(t));
    }
}

static void pack_panel(struct cril_engine *e, size_t panel)
{
    const struct packing *p = &e->next;
    size_t i = p->n_slots - 1;
    while (panel < p->first_panel[i])
        i--;
    const struct cril_matrix *t = &e->m->layers[p->layer].matrix[p->slot[i]];
    if (!cril_pack_panel(t, 0, &e->packed[p->slot[i]], panel - p->first_panel[i]))
        atomic_store(&e->damaged, t->name);
}

static void release_packed(const struct cril_engine *e)
{
    for (size_t i = 0; e->bounded && i < e->next.n_slots; i++) {
        const struct cril_matrix *t = &e->m->layers[e->next.layer].matrix[e->next.slot[i]];
        cril_pages_release(t->data, cril_matrix_bytes(t));
    }
}

static void stage_task(void *arg, size_t task, size_t worker)
{
    struct cril_engine *e = arg;
    const size_t first = task * CRIL_ROWS;
    if (task >= e->n_tasks)
        pack_panel(e, task - e->n_tasks);
    else
        run_rows(e, &e->scratch[worker], first,
                 e->n_rows - first < CRIL_ROWS ? e->n_rows - first : CRIL_ROWS);
}

/* From here on only scored rows matter: they move together. */
static void keep_scored(struct cril_engine *e)
{
    struct row *rows = e->rows.data;
    size_t n = 0;
    for (size_t r = 0; r < e->n_rows; r++) {
        if (rows[r].position < rows[r].window->first)
            continue;
        for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
            float *all = e->kept_between_stages[b].data;
            if (e->plan.kept_between_stages[b])
                memmove(all + n * e->plan.ld[b], all + r * e->plan.ld[b],
                        e->plan.ld[b] * sizeof(float));
        }
        rows[n++] = rows[r];
    }
    e->n_rows = n;
}

static cril_status run_layers(struct cril_engine *e, cril_engine_poll poll, void *user,
                              cril_error *err)
{
    const size_t n_layers = e->m->config.n_layers, n_stages = e->plan.n_stages,
                 n = n_layers * n_stages;
    place_next(e, 0, 0, e->panels[0].data);
    e->n_tasks = 0;
    cril_pool_run(e->pool, e->next.n_panels, stage_task, e);
    for (size_t i = 0; i < n; i++) {
        if (poll && poll(user, (double)i / (double)(n + n_stages)) != 0)
            return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
        release_packed(e);
        e->layer = i / n_stages;
        e->stage = i % n_stages;
        e->n_tasks = (e->n_rows + CRIL_ROWS - 1) / CRIL_ROWS;
        e->next = (struct packing){0};
        if (i + 1 < n)
            place_next(e, (i + 1) / n_stages, (i + 1) % n_stages, e->panels[(i + 1) % 2].data);
        cril_pool_run(e->pool, e->n_tasks + e->next.n_panels, stage_task, e);
        if (e->layer + 1 == n_layers && attention_follows(e))
            keep_scored(e);
    }
    return CRIL_OK;
}

static void embed_task(void *arg, size_t task, size_t worker)
{
    struct cril_engine *e = arg;
    const size_t ldx = e->plan.ld[CRIL_BUF_X];
    const struct row *row = e->rows.data;
    (void)worker;
    for (size_t r = task * CRIL_ROWS; r < e->n_rows && r < (task + 1) * CRIL_ROWS; r++)
        cril_row_embed(e->m, e->k, row[r].window->ids[row[r].position],
                       (float *)e->kept_between_stages[CRIL_BUF_X].data + r * ldx, ldx);
}

/* ---- A batch ---- */

static cril_status check_window(const struct cril_engine *e, const struct cril_window *w,
                                cril_error *err)
{
    if (w->n < 1 || w->n > e->m->config.n_ctx || w->first >= w->n)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: a window of %zu tokens, of a model made for at most %zu", e->m->path,
                         w->n, e->m->config.n_ctx);
    for (size_t i = 0; i < w->n; i++) {
        int32_t target = i >= w->first ? w->targets[i - w->first] : 0;
        if (w->ids[i] < 0 || (size_t)w->ids[i] >= e->m->n_vocab || target < 0 ||
            (size_t)target >= e->m->n_vocab)
            return cril_fail(err, CRIL_ERR_RANGE,
                             "%s: token id %d is outside the vocabulary of %zu", e->m->path,
                             (int)w->ids[i], e->m->n_vocab);
    }
    return CRIL_OK;
}

static bool reserve_batch(struct cril_engine *e, size_t n_scored, size_t n_padded)
{
    const struct cril_config *c = &e->m->config;
    const size_t kv_floats = cril_kv_k_floats(c, 1) + cril_kv_v_floats(c, 1),
                 attend = cril_attend_scratch(c, cril_plan_rows(e->longest));
    bool ok = cril_memory_reserve(&e->rows, e->n_rows, sizeof(struct row)) &&
              cril_memory_reserve(&e->kvs, e->n_windows, sizeof(struct cril_kv)) &&
              cril_memory_reserve(&e->kv, n_padded, kv_floats * sizeof(float)) &&
              cril_rotations_reserve(&e->rotations, e->m, e->longest) &&
              cril_memory_reserve(&e->ids, n_scored, sizeof(int32_t)) &&
              cril_memory_reserve(&e->nats, n_scored, sizeof(double)) &&
              cril_memory_reserve(&e->shares, n_scored, sizeof(struct cril_shares));
    for (size_t b = 0; ok && b < CRIL_N_BUFFERS; b++)
        ok = !e->plan.kept_between_stages[b] ||
             cril_memory_reserve(&e->kept_between_stages[b], e->n_rows,
                                 e->plan.ld[b] * sizeof(float));
    for (size_t i = 0; ok && i < cril_pool_threads(e->pool); i++)
        ok = cril_memory_reserve(&e->scratch[i].attention, attend, sizeof(float));
    return ok;
}

/* Rows, key and value panels (zeroed: lanes past a window's end must hold numbers). */
static void lay_out(struct cril_engine *e)
{
    const struct cril_config *c = &e->m->config;
    struct row *row = e->rows.data;
    struct cril_kv *kv = e->kvs.data;
    float *memory = e->kv.data;
    for (size_t i = 0; i < e->n_windows; i++, kv++) {
        const struct cril_window *w = &e->windows[i];
        kv->n_pad = cril_plan_rows(w->n);
        kv->k = memory;
        kv->v = kv->k + cril_kv_k_floats(c, kv->n_pad);
        float *end = kv->v + cril_kv_v_floats(c, kv->n_pad);
        memset(memory, 0, (size_t)(end - memory) * sizeof(float));
        memory = end;
        for (size_t p = 0; p < w->n; p++)
            *row++ = (struct row){.window = w, .kv = kv, .position = p};
    }
}

/* The scored rows' nats, to where the windows want them. */
static cril_status score_rows(struct cril_engine *e, cril_error *err)
{
    const struct row *rows = e->rows.data;
    int32_t *ids = e->ids.data;
    double *nats = e->nats.data;
    struct cril_shares *shares = NULL;
    for (size_t i = 0; i < e->n_rows; i++) {
        ids[i] = rows[i].window->targets[rows[i].position - rows[i].window->first];
        if (rows[i].window->shares)
            shares = e->shares.data;
    }
    if (!cril_vocabulary_nats(&e->vocabulary, e->kept_between_stages[CRIL_BUF_X].data,
                              e->plan.ld[CRIL_BUF_X], e->n_rows, ids, nats, shares))
        return no_memory(e, err);
    const char *damaged = atomic_load(&e->damaged);
    if (damaged)
        return cril_fail_damaged(e->m->path, damaged, err);
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct row *r = &rows[i];
        if (!isfinite(nats[i]))
            return cril_fail(err, CRIL_ERR_NUMERIC,
                             "%s: a logit is not finite after token %d at position %zu of a "
                             "window; the weights may be damaged",
                             e->m->path, (int)r->window->ids[r->position], r->position);
        r->window->nats[r->position - r->window->first] = nats[i];
        if (r->window->shares)
            r->window->shares[r->position - r->window->first] = shares[i];
    }
    return CRIL_OK;
}

cril_status cril_engine_score(struct cril_engine *e, const struct cril_window *windows,
                              size_t n_windows, cril_engine_poll poll, void *user, cril_error *err)
{
    size_t n_padded = 0, n_scored = 0;
    cril_status st;
    e->windows = windows;
    e->n_windows = n_windows;
    e->n_rows = e->longest = 0;
    for (size_t i = 0; i < n_windows; i++) {
        if ((st = check_window(e, &windows[i], err)) != CRIL_OK)
            return st;
        e->n_rows += windows[i].n;
        e->longest = windows[i].n > e->longest ? windows[i].n : e->longest;
        n_scored += windows[i].n - windows[i].first;
        n_padded += cril_plan_rows(windows[i].n);
    }
    if (!n_windows)
        return CRIL_OK;
    if (!reserve_batch(e, n_scored, n_padded))
        return no_memory(e, err);
    lay_out(e);
    atomic_store(&e->damaged, NULL);
    cril_pool_run(e->pool, (e->n_rows + CRIL_ROWS - 1) / CRIL_ROWS, embed_task, e);
    if (e->bounded)
        cril_pages_release(e->m->embedding.data, cril_matrix_bytes(&e->m->embedding));
    if ((st = run_layers(e, poll, user, err)) != CRIL_OK)
        return st;
    return score_rows(e, err);
}

/* ---- Life ---- */

/* A worker's buffers in one piece: activations fp32 and 16-bit. */
static bool create_scratch(const struct cril_engine *e, struct scratch *s)
{
    const size_t *ld = e->plan.ld;
    size_t widest = 0;
    if (!cril_memory_reserve(&s->memory, cril_plan_worker_bytes(&e->plan), 1))
        return false;
    float *f = s->memory.data;
    for (size_t i = 0; i < CRIL_N_BUFFERS; i++) {
        widest = ld[i] > widest ? ld[i] : widest;
        if (e->plan.kept_between_stages[i])
            continue;
        s->buffers[i] = f;
        f += CRIL_ROWS * ld[i];
    }
    const size_t blocks = CRIL_ROWS * (widest / CRIL_ACTIVATION_BLOCK);
    s->activations = (struct cril_activations){
        .scale = f, .sum32 = f + blocks, .sum16 = f + 2 * blocks, .q = (int16_t *)(f + 4 * blocks)};
    return true;
}

cril_status cril_engine_create(const cril_model *m, const struct cril_kernels *k,
                               const struct cril_engine_options *options, struct cril_engine **out,
                               cril_error *err)
{
    const unsigned threads = options->threads ? options->threads : cril_cpu_count();
    struct cril_engine *e = calloc(1, sizeof(*e));
    cril_status st;
    if (!e)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    e->m = m;
    e->k = k;
    e->bounded = options->memory != 0;
    st = cril_plan_make(m, k, threads, options->memory, cril_memory_resident() + options->reserved,
                        options->rows, options->window, &e->plan, err);
    if (st != CRIL_OK || (st = cril_pool_create(threads, &e->pool, err)) != CRIL_OK) {
        cril_engine_free(e);
        return st;
    }
    e->vocabulary = (struct cril_vocabulary){
        .m = m, .k = k, .pool = e->pool, .release = e->bounded, .damaged = &e->damaged};
    bool ok = (e->scratch = calloc(threads, sizeof(*e->scratch))) &&
              cril_memory_reserve(&e->panels[0], e->plan.panel_bytes, 1) &&
              cril_memory_reserve(&e->panels[1], e->plan.panel_bytes, 1);
    for (size_t i = 0; ok && i < threads; i++)
        ok = create_scratch(e, &e->scratch[i]);
    if (!ok) {
        st = no_memory(e, err);
        cril_engine_free(e);
        return st;
    }
    *out = e;
    return CRIL_OK;
}

size_t cril_engine_rows(const struct cril_engine *e)
{
    return e->plan.rows;
}

size_t cril_engine_window_rows(size_t n)
{
    return cril_plan_rows(n);
}

void cril_engine_free(struct cril_engine *e)
{
    if (!e)
        return;
    struct cril_memory *const owned[] = {&e->rows, &e->kvs,    &e->kv,        &e->ids,
                                         &e->nats, &e->shares, &e->panels[0], &e->panels[1]};
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        free(owned[i]->data);
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++)
        free(e->kept_between_stages[b].data);
    for (size_t i = 0; e->scratch && i < cril_pool_threads(e->pool); i++) {
        free(e->scratch[i].attention.data);
        free(e->scratch[i].memory.data);
    }
    cril_rotations_free(&e->rotations);
    cril_vocabulary_free(&e->vocabulary);
    free(e->scratch);
    cril_pool_free(e->pool);
    free(e);
}
