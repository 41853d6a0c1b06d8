/*
 * A piece of up to CRIL_ROWS rows goes through all layers in one run of the pool. A layer's steps
 * are grouped into phases: steps on rows, products that read the same rows, attention. All threads
 * walk through the phases together and share each phase's work, with a barrier in between: rows are
 * few here, so the columns of the matrices are what is shared. Panels are packed once, when the
 * decoder is created, since a call reads every weight for a handful of rows.
 */
#include "model/decoder.h"

#include "model/attention.h"
#include "model/model.h"
#include "model/packing.h"
#include "model/plan.h"
#include "model/rows.h"
#include "model/vocabulary.h"
#include "util/fail.h"
#include "util/size.h"
#include "util/threads.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum phase_kind { PHASE_ROWS, PHASE_PRODUCTS, PHASE_ATTEND };

struct phase {
    enum phase_kind kind;
    size_t from, to; /* steps */
};

struct stream {
    struct cril_memory memory; /* [n_layers][layer_floats] */
    size_t position;           /* tokens so far */
};

struct row {
    size_t stream, position;
    int32_t id;
    size_t output; /* whose distribution this row's output is; NONE */
};

#define NONE SIZE_MAX

/* Rows of one stream in one block of positions. */
struct group {
    size_t first, n;
};

/* A thread's own. */
struct scratch {
    struct cril_memory attention, panel;
};

struct cril_decoder {
    const cril_model *m;
    const struct cril_kernels *k;
    cril_pool *pool;
    struct cril_barrier barrier;
    struct scratch *scratch; /* [threads] */
    struct cril_rotations rotations;
    size_t context, n_pad, layer_floats; /* layer_floats: keys and values of a stream in a layer */
    struct stream *streams;
    size_t n_streams;

    struct cril_packed (*packed)[CRIL_N_SLOTS], output; /* [n_layers]; k == 0: not in memory */
    struct cril_memory *panels; /* [n_layers + 1] what they point into; the last: of output */
    _Atomic(const char *) damaged;

    struct phase phases[2 * CRIL_MAX_STAGES];
    size_t n_phases;
    size_t ld[CRIL_N_BUFFERS];
    float *buffers[CRIL_N_BUFFERS];      /* [CRIL_ROWS][ld] */
    struct cril_activations activations; /* [CRIL_ROWS], k set for each product */
    struct cril_activations
        output_activations;    /* [CRIL_ROWS] of the outputs, for the vocabulary matrix */
    float *normed;             /* [CRIL_ROWS][n_embd] of the outputs */
    struct cril_memory memory; /* what the above point into */

    struct row rows[CRIL_ROWS]; /* of the piece at work */
    struct group groups[CRIL_ROWS];
    size_t n_rows, n_groups;
    size_t first_output, n_outputs; /* of the piece, among the call's */
    atomic_size_t *next;            /* [n_layers * n_phases + 1] units taken of each phase */

    struct cril_memory values; /* [n_streams][chunks * CRIL_CHUNK] */
    struct cril_chunk *chunks; /* [n_streams][chunks] */
    double *weights, *sums;    /* [n_streams][chunks], [n_streams] */
};

/* ---- Products ---- */

/* Panel p of a matrix times m rows, to its columns of c. */
static void multiply_panel(struct cril_decoder *s, struct scratch *own, const struct cril_matrix *t,
                           const struct cril_packed *packed, size_t p, const float *a, size_t lda,
                           const struct cril_activations *activations, size_t m, float *c,
                           size_t ldc)
{
    const size_t first = p * CRIL_PANEL_COLUMNS, left = t->rows - first;
    struct cril_packed one;
    if (!packed->k) {
        cril_packed_place(s->k, t, left < CRIL_PANEL_COLUMNS ? left : CRIL_PANEL_COLUMNS,
                          own->panel.data, &one);
        one.prefetch_panels = 0;
        if (!cril_pack_panel(t, first, &one, 0))
            atomic_store(&s->damaged, t->name);
        packed = &one;
        p = 0;
    }
    if (packed->f)
        s->k->gemm_f32(a, lda, m, packed->f + p * packed->k * CRIL_PANEL_COLUMNS, packed->k,
                       c + first, ldc);
    else
        s->k->gemm_i16(activations, 0, m, packed, p, c + first, ldc);
}

static bool is_integer(const struct cril_matrix *t)
{
    return cril_dtypes[t->type].group != 0;
}

/* The products that follow read row r of the buffer `in`: where a matrix holds integers, they read
 * it as such. */
static void quantise_row(struct cril_decoder *s, const struct cril_layer *l,
                         const struct phase *products, size_t r)
{
    const struct cril_step *steps = s->m->family->steps;
    for (size_t i = products->from; i < products->to; i++) {
        const struct cril_matrix *t = &l->matrix[steps[i].w];
        if (!is_integer(t))
            continue;
        struct cril_activations activations = s->activations;
        activations.k = t->columns;
        s->k->quantise(s->buffers[steps[i].in] + r * s->ld[steps[i].in], &activations, r);
        return;
    }
}

/* Panels of all matrices of the phase, whichever thread is free. */
static void run_products(struct cril_decoder *s, struct scratch *own, size_t layer,
                         const struct phase *p, atomic_size_t *next)
{
    const struct cril_step *steps = s->m->family->steps;
    const struct cril_layer *l = &s->m->layers[layer];
    size_t i = p->from, before = 0, unit;
    while ((unit = atomic_fetch_add_explicit(next, 1, memory_order_relaxed)), true) {
        const struct cril_matrix *t = &l->matrix[steps[i].w];
        while (unit - before >= cril_panels(t->rows)) {
            before += cril_panels(t->rows);
            if (++i == p->to)
                return;
            t = &l->matrix[steps[i].w];
        }
        const enum cril_buffer in = steps[i].in, out = steps[i].out;
        struct cril_activations activations = s->activations;
        activations.k = t->columns;
        multiply_panel(s, own, t, &s->packed[layer][steps[i].w], unit - before, s->buffers[in],
                       s->ld[in], &activations, s->n_rows, s->buffers[out], s->ld[out]);
    }
}

/* ---- Rows and attention ---- */

static struct cril_kv kv_of(const struct cril_decoder *s, size_t stream, size_t layer)
{
    float *k = (float *)s->streams[stream].memory.data + layer * s->layer_floats;
    return (struct cril_kv){
        .k = k, .v = k + cril_kv_k_floats(&s->m->config, s->n_pad), .n_pad = s->n_pad};
}

static void store_row(const struct cril_decoder *s, size_t layer, size_t r)
{
    const struct cril_config *c = &s->m->config;
    const struct cril_kv kv = kv_of(s, s->rows[r].stream, layer);
    s->k->scale(s->buffers[CRIL_BUF_Q] + r * s->ld[CRIL_BUF_Q], c->attention_scale,
                cril_buffer_width(c, CRIL_BUF_Q));
    cril_kv_store(c, &kv, s->rows[r].position, s->buffers[CRIL_BUF_K] + r * s->ld[CRIL_BUF_K],
                  s->buffers[CRIL_BUF_V] + r * s->ld[CRIL_BUF_V]);
}

/* Every rank has rows of its own, the same ones in every phase: from one such phase to the next it
 * need not wait. */
static void run_rows(struct cril_decoder *s, size_t rank, size_t layer, size_t phase)
{
    const struct phase *p = &s->phases[phase], *then = p + 1;
    const size_t threads = cril_pool_threads(s->pool);
    for (size_t r = rank; r < s->n_rows; r += threads) {
        for (size_t i = p->from; i < p->to; i++) {
            const struct cril_step *step = &s->m->family->steps[i];
            cril_row_step(s->m, s->k, &s->rotations, layer, step,
                          s->buffers[step->in] + r * s->ld[step->in],
                          s->buffers[step->out] + r * s->ld[step->out], s->rows[r].position);
        }
        if (phase + 1 < s->n_phases && then->kind == PHASE_PRODUCTS)
            quantise_row(s, &s->m->layers[layer], then, r);
        else if (phase + 1 < s->n_phases)
            store_row(s, layer, r);
    }
}

/* A key head of one group of rows at a time, whichever thread is free. */
static void run_attention(struct cril_decoder *s, struct scratch *own, size_t layer,
                          atomic_size_t *next)
{
    const struct cril_config *c = &s->m->config;
    const size_t n = s->n_groups * c->n_kv_heads, ldq = s->ld[CRIL_BUF_Q], lda = s->ld[CRIL_BUF_A];
    size_t unit;
    while ((unit = atomic_fetch_add_explicit(next, 1, memory_order_relaxed)) < n) {
        const struct group *g = &s->groups[unit / c->n_kv_heads];
        const size_t head = unit % c->n_kv_heads;
        const struct cril_kv kv = kv_of(s, s->rows[g->first].stream, layer);
        size_t pos[32];
        const float *q[32];
        for (size_t i = 0; i < g->n; i++) {
            pos[i] = s->rows[g->first + i].position;
            q[i] = s->buffers[CRIL_BUF_Q] + (g->first + i) * ldq;
        }
        cril_attend(s->k, c, &kv, s->m->layers[layer].window, head, head + 1, g->n, pos, q,
                    s->buffers[CRIL_BUF_A] + g->first * lda, lda, own->attention.data);
    }
}

/* ---- Vocabulary ---- */

static void norm_output(struct cril_decoder *s, size_t rank)
{
    const size_t threads = cril_pool_threads(s->pool), d = s->m->config.n_embd;
    for (size_t r = rank; r < s->n_rows; r += threads) {
        if (s->rows[r].output == NONE)
            continue;
        const size_t i = s->rows[r].output - s->first_output;
        float *y = s->normed + i * d;
        s->k->rms_norm(s->buffers[CRIL_BUF_X] + r * s->ld[CRIL_BUF_X], s->m->output_norm, d,
                       s->m->config.eps, y);
        if (is_integer(&s->m->output))
            s->k->quantise(y, &s->output_activations, i);
    }
}

static void run_chunks(struct cril_decoder *s, struct scratch *own, atomic_size_t *next)
{
    const size_t n_chunks = cril_chunks(s->m), ld = n_chunks * CRIL_CHUNK, d = s->m->config.n_embd;
    float *values = (float *)s->values.data + s->first_output * ld;
    size_t c;
    while ((c = atomic_fetch_add_explicit(next, 1, memory_order_relaxed)) < n_chunks) {
        const size_t first = c * CRIL_CHUNK, left = s->m->n_vocab - first,
                     n = left < CRIL_CHUNK ? left : CRIL_CHUNK;
        for (size_t p = 0; p < cril_panels(n); p++)
            multiply_panel(s, own, &s->m->output, &s->output, first / CRIL_PANEL_COLUMNS + p,
                           s->normed, d, &s->output_activations, s->n_outputs, values, ld);
        for (size_t i = 0; i < s->n_outputs; i++) {
            struct cril_chunk *chunk = &s->chunks[(s->first_output + i) * n_chunks + c];
            float *l = values + i * ld + first;
            const size_t padded = (n + 15) / 16 * 16;
            for (size_t j = n; j < padded; j++)
                l[j] = -INFINITY;
            s->k->logsum(l, padded, &chunk->max, &chunk->sum);
        }
    }
}

/* ---- A piece ---- */

static void run_piece(void *arg, size_t rank, size_t worker)
{
    struct cril_decoder *s = arg;
    struct scratch *own = &s->scratch[worker];
    const size_t threads = cril_pool_threads(s->pool);
    atomic_size_t *next = s->next;
    for (size_t r = rank; r < s->n_rows; r += threads)
        cril_row_embed(s->m, s->k, s->rows[r].id, s->buffers[CRIL_BUF_X] + r * s->ld[CRIL_BUF_X],
                       s->ld[CRIL_BUF_X]);
    for (size_t layer = 0; layer < s->m->config.n_layers; layer++)
        for (size_t i = 0; i < s->n_phases; i++, next++) {
            switch (s->phases[i].kind) {
            case PHASE_ROWS: run_rows(s, rank, layer, i); break;
            case PHASE_PRODUCTS: run_products(s, own, layer, &s->phases[i], next); break;
            case PHASE_ATTEND: run_attention(s, own, layer, next); break;
            }
            if (s->phases[i].kind != PHASE_ROWS || i + 1 < s->n_phases)
                cril_barrier_wait(&s->barrier);
        }
    norm_output(s, rank);
    cril_barrier_wait(&s->barrier);
    if (s->n_outputs)
        run_chunks(s, own, next);
}

/* Runs of rows of one stream in one block of 32 positions. */
static void find_groups(struct cril_decoder *s)
{
    s->n_groups = 0;
    for (size_t r = 0; r < s->n_rows; r++) {
        const struct row *a = r ? &s->rows[r - 1] : NULL, *b = &s->rows[r];
        if (a && a->stream == b->stream && a->position / 32 == b->position / 32)
            s->groups[s->n_groups - 1].n++;
        else
            s->groups[s->n_groups++] = (struct group){.first = r, .n = 1};
    }
}

static void run(struct cril_decoder *s)
{
    const size_t n = s->m->config.n_layers * s->n_phases + 1;
    if (!s->n_rows)
        return;
    for (size_t i = 0; i < n; i++)
        atomic_store_explicit(&s->next[i], 0, memory_order_relaxed);
    find_groups(s);
    cril_pool_run(s->pool, cril_pool_threads(s->pool), run_piece, s);
    s->first_output += s->n_outputs;
    s->n_rows = s->n_outputs = 0;
}

/* ---- A call ---- */

static cril_status check_feed(const struct cril_decoder *s, const struct cril_feed *f,
                              cril_error *err)
{
    if (f->stream >= s->n_streams || f->n < 1 || f->n > s->context - s->streams[f->stream].position)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: %zu tokens more do not fit in stream %zu, which has %zu of %zu",
                         s->m->path, f->n, f->stream,
                         f->stream < s->n_streams ? s->streams[f->stream].position : 0, s->context);
    for (size_t i = 0; i < f->n; i++)
        if (f->ids[i] < 0 || (size_t)f->ids[i] >= s->m->n_vocab)
            return cril_fail(err, CRIL_ERR_RANGE,
                             "%s: token id %d is outside the vocabulary of %zu", s->m->path,
                             (int)f->ids[i], s->m->n_vocab);
    return CRIL_OK;
}

static cril_status finish(struct cril_decoder *s, size_t n, cril_error *err)
{
    const size_t n_chunks = cril_chunks(s->m);
    const char *damaged = atomic_load(&s->damaged);
    if (damaged)
        return cril_fail_damaged(s->m->path, damaged, err);
    for (size_t i = 0; i < n; i++) {
        double max;
        s->sums[i] = cril_join_chunks(s->chunks + i * n_chunks, n_chunks, 1, &max,
                                      s->weights + i * n_chunks);
        if (!isfinite(s->sums[i]))
            return cril_fail(err, CRIL_ERR_NUMERIC,
                             "%s: a logit is not finite; the weights may be damaged", s->m->path);
    }
    return CRIL_OK;
}

cril_status cril_decoder_feed(struct cril_decoder *s, const struct cril_feed *feeds, size_t n,
                              cril_error *err)
{
    cril_status st;
    for (size_t i = 0; i < n; i++)
        if ((st = check_feed(s, &feeds[i], err)) != CRIL_OK)
            return st;
    s->n_rows = s->n_outputs = s->first_output = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < feeds[i].n; k++) {
            const bool last = k + 1 == feeds[i].n;
            s->rows[s->n_rows++] = (struct row){.stream = feeds[i].stream,
                                                .position = s->streams[feeds[i].stream].position++,
                                                .id = feeds[i].ids[k],
                                                .output = last ? i : NONE};
            s->n_outputs += last;
            if (s->n_rows == CRIL_ROWS)
                run(s);
        }
    run(s);
    return finish(s, n, err);
}

struct cril_distribution cril_decoder_distribution(const struct cril_decoder *s, size_t i)
{
    const size_t n_chunks = cril_chunks(s->m);
    return (struct cril_distribution){.weights = s->weights + i * n_chunks,
                                      .sum = s->sums[i],
                                      .values =
                                          (const float *)s->values.data + i * n_chunks * CRIL_CHUNK,
                                      .n_chunks = n_chunks,
                                      .n = s->m->n_vocab};
}

void cril_decoder_reset(struct cril_decoder *s, size_t stream)
{
    s->streams[stream].position = 0;
}

size_t cril_decoder_streams(const struct cril_decoder *s)
{
    return s->n_streams;
}

/* ---- Life ---- */

/* Products that read the same rows go together; rows come before products and attention, to be
 * quantised or stored. */
static void find_phases(struct cril_decoder *s)
{
    const struct cril_family *f = s->m->family;
    for (size_t i = 0; i < f->n_steps; i++) {
        const enum phase_kind kind = f->steps[i].op == CRIL_OP_MATMUL   ? PHASE_PRODUCTS
                                     : f->steps[i].op == CRIL_OP_ATTEND ? PHASE_ATTEND
                                                                        : PHASE_ROWS;
        struct phase *last = s->n_phases ? &s->phases[s->n_phases - 1] : NULL;
        if (last && last->kind == kind &&
            (kind == PHASE_ROWS ||
             (kind == PHASE_PRODUCTS && f->steps[last->from].in == f->steps[i].in))) {
            last->to = i + 1;
            continue;
        }
        if (kind != PHASE_ROWS && (!last || last->kind != PHASE_ROWS))
            s->phases[s->n_phases++] = (struct phase){.kind = PHASE_ROWS, .from = i, .to = i};
        s->phases[s->n_phases++] = (struct phase){.kind = kind, .from = i, .to = i + 1};
    }
}

struct pack_job {
    struct cril_decoder *s;
    const struct cril_matrix *t;
    struct cril_packed *w;
};

static void pack_task(void *arg, size_t panel, size_t worker)
{
    const struct pack_job *job = arg;
    (void)worker;
    if (!cril_pack_panel(job->t, 0, job->w, panel))
        atomic_store(&job->s->damaged, job->t->name);
}

/* The matrix as panels at *memory, which moves past them. */
static void pack(struct cril_decoder *s, const struct cril_matrix *t, struct cril_packed *w,
                 unsigned char **memory, bool release)
{
    struct pack_job job = {.s = s, .t = t, .w = w};
    size_t bytes = 0;
    cril_packed_place(s->k, t, t->rows, *memory, w);
    w->prefetch_panels = cril_pool_threads(s->pool); /* they take panels by turns */
    cril_packed_bytes(s->k, t, t->rows, &bytes);
    cril_pool_run(s->pool, cril_panels(t->rows), pack_task, &job);
    if (release)
        cril_pages_release(t->data, cril_matrix_bytes(t));
    *memory += bytes;
}

/* Sets out how many streams there are and which matrices stay in memory as panels. */
static bool share_memory(struct cril_decoder *s, size_t memory, bool *keep)
{
    const cril_model *m = s->m;
    const size_t taken = memory ? cril_memory_resident() : 0;
    size_t stream, bytes, left = memory ? memory : cril_memory_physical() / 4 * 3;
    left = left > taken ? left - taken : 0;
    if (!cril_size_mul(s->layer_floats * sizeof(float), m->config.n_layers, &stream))
        return false;
    if (left / 2 / stream < s->n_streams)
        s->n_streams = left / 2 / stream ? left / 2 / stream : 1;
    left = left / stream > s->n_streams ? left - s->n_streams * stream : 0;
    for (size_t l = 0; l <= m->config.n_layers; l++) {
        size_t total = 0;
        for (size_t w = 0; w < CRIL_N_SLOTS; w++) {
            const struct cril_matrix *t = l < m->config.n_layers ? &m->layers[l].matrix[w]
                                          : w                    ? NULL
                                                                 : &m->output;
            if (!t || !cril_matrix_is_set(t))
                continue;
            if (!cril_packed_bytes(s->k, t, t->rows, &bytes) ||
                !cril_size_add(total, bytes, &total))
                return false;
        }
        keep[l] = total <= left && cril_memory_reserve(&s->panels[l], total, 1);
        left -= keep[l] ? total : 0;
    }
    return true;
}

static void pack_all(struct cril_decoder *s, const bool *keep, bool release)
{
    const cril_model *m = s->m;
    for (size_t l = 0; l <= m->config.n_layers; l++) {
        unsigned char *memory = s->panels[l].data;
        if (!keep[l])
            continue;
        if (l == m->config.n_layers)
            pack(s, &m->output, &s->output, &memory, release);
        else
            for (size_t w = 0; w < CRIL_N_SLOTS; w++)
                if (cril_matrix_is_set(&m->layers[l].matrix[w]))
                    pack(s, &m->layers[l].matrix[w], &s->packed[l][w], &memory, release);
    }
}

static void place_activations(struct cril_activations *a, float **f, size_t rows, size_t k)
{
    const size_t blocks = rows * (k / CRIL_ACTIVATION_BLOCK);
    *a = (struct cril_activations){.k = k,
                                   .scale = *f,
                                   .sum32 = *f + blocks,
                                   .sum16 = *f + 2 * blocks,
                                   .q = (int16_t *)(*f + 4 * blocks)};
    *f += 4 * blocks + rows * k / 2;
}

/* Activations of a piece, in one go; the panel that each thread unpacks where a matrix is not kept.
 */
static bool create_buffers(struct cril_decoder *s)
{
    const struct cril_config *c = &s->m->config;
    const size_t d = c->n_embd, n_chunks = cril_chunks(s->m);
    size_t floats = 0, widest = 0, panel = 0, bytes;
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
        s->ld[b] = cril_plan_width(cril_buffer_width(c, (enum cril_buffer)b));
        floats += s->ld[b];
        widest = s->ld[b] > widest ? s->ld[b] : widest;
    }
    floats += widest + d +
              d; /* 16-bit integers and four numbers a block of 32 take less than a float each */
    if (!cril_memory_reserve(&s->memory, CRIL_ROWS * floats, sizeof(float)))
        return false;
    float *f = s->memory.data;
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
        s->buffers[b] = f;
        f += CRIL_ROWS * s->ld[b];
    }
    s->normed = f;
    f += CRIL_ROWS * d;
    place_activations(&s->activations, &f, CRIL_ROWS,
                      widest / CRIL_ACTIVATION_BLOCK * CRIL_ACTIVATION_BLOCK);
    place_activations(&s->output_activations, &f, CRIL_ROWS,
                      d / CRIL_ACTIVATION_BLOCK * CRIL_ACTIVATION_BLOCK);
    for (size_t l = 0; l <= c->n_layers; l++)
        for (size_t w = 0; w < CRIL_N_SLOTS; w++) {
            const struct cril_matrix *t = l < c->n_layers ? &s->m->layers[l].matrix[w]
                                          : w             ? NULL
                                                          : &s->m->output;
            if (t && cril_matrix_is_set(t) &&
                cril_packed_bytes(s->k, t, CRIL_PANEL_COLUMNS, &bytes) && bytes > panel)
                panel = bytes;
        }
    for (size_t i = 0; i < cril_pool_threads(s->pool); i++)
        if (!cril_memory_reserve(&s->scratch[i].attention, cril_attend_scratch(c, s->n_pad),
                                 sizeof(float)) ||
            !cril_memory_reserve(&s->scratch[i].panel, panel, 1))
            return false;
    s->chunks = calloc(s->n_streams, n_chunks * sizeof(*s->chunks));
    s->weights = calloc(s->n_streams, n_chunks * sizeof(*s->weights));
    s->sums = calloc(s->n_streams, sizeof(*s->sums));
    s->next = calloc(c->n_layers * s->n_phases + 1, sizeof(*s->next));
    return s->chunks && s->weights && s->sums && s->next &&
           cril_memory_reserve(&s->values, s->n_streams, n_chunks * CRIL_CHUNK * sizeof(float)) &&
           cril_rotations_reserve(&s->rotations, s->m, s->context);
}

/* Zeros: lanes past the last position must hold numbers. The threads share what it takes to get so
 * many pages. */
static void zero_task(void *arg, size_t stream, size_t worker)
{
    const struct cril_memory *m = &((struct cril_decoder *)arg)->streams[stream].memory;
    (void)worker;
    memset(m->data, 0, m->bytes);
}

static bool create_streams(struct cril_decoder *s)
{
    const size_t floats = s->m->config.n_layers * s->layer_floats; /* share_memory has proved it */
    for (size_t i = 0; i < s->n_streams; i++)
        if (!cril_memory_reserve(&s->streams[i].memory, floats, sizeof(float)))
            return false;
    cril_pool_run(s->pool, s->n_streams, zero_task, s);
    return true;
}

static cril_status create(struct cril_decoder *s, const struct cril_decoder_options *o,
                          cril_error *err)
{
    const struct cril_config *c = &s->m->config;
    const unsigned threads = o->threads ? o->threads : cril_cpu_count();
    cril_status st;
    if ((st = cril_pool_create(threads, &s->pool, err)) != CRIL_OK)
        return st;
    if (!cril_barrier_init(&s->barrier, threads)) {
        cril_pool_free(s->pool); /* who frees s must find both or none */
        s->pool = NULL;
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->m->path);
    }
    s->scratch = calloc(threads, sizeof(*s->scratch));
    s->packed = calloc(c->n_layers, sizeof(*s->packed));
    s->panels = calloc(c->n_layers + 1, sizeof(*s->panels));
    bool *keep = calloc(c->n_layers + 1, sizeof(*keep));
    bool ok = s->scratch && s->packed && s->panels && keep && share_memory(s, o->memory, keep);
    find_phases(s);
    ok = ok && (s->streams = calloc(s->n_streams, sizeof(*s->streams))) && create_buffers(s);
    ok = ok && create_streams(s);
    if (ok)
        pack_all(s, keep, o->memory != 0);
    free(keep);
    const char *damaged = atomic_load(&s->damaged);
    if (!ok)
        return cril_fail(err, CRIL_ERR_NOMEM,
                         "%s: out of memory for decoding; try fewer streams or --memory",
                         s->m->path);
    return damaged ? cril_fail_damaged(s->m->path, damaged, err) : CRIL_OK;
}

cril_status cril_decoder_create(const cril_model *m, const struct cril_kernels *k,
                                const struct cril_decoder_options *options,
                                struct cril_decoder **out, cril_error *err)
{
    struct cril_decoder *s = calloc(1, sizeof(*s));
    cril_status st;
    if (!s)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    s->m = m;
    s->k = k;
    s->context = options->context;
    s->n_streams = options->streams;
    s->n_pad = cril_plan_rows(s->context);
    s->layer_floats =
        cril_kv_k_floats(&m->config, s->n_pad) + cril_kv_v_floats(&m->config, s->n_pad);
    if ((st = create(s, options, err)) != CRIL_OK) {
        cril_decoder_free(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

void cril_decoder_free(struct cril_decoder *s)
{
    if (!s)
        return;
    if (s->pool)
        cril_barrier_free(&s->barrier);
    for (size_t i = 0; s->scratch && i < cril_pool_threads(s->pool); i++) {
        free(s->scratch[i].attention.data);
        free(s->scratch[i].panel.data);
    }
    for (size_t i = 0; s->streams && i < s->n_streams; i++)
        free(s->streams[i].memory.data);
    for (size_t l = 0; s->panels && l <= s->m->config.n_layers; l++)
        free(s->panels[l].data);
    cril_rotations_free(&s->rotations);
    free(s->scratch);
    free(s->streams);
    free(s->packed);
    free(s->panels);
    free(s->memory.data);
    free(s->next);
    free(s->values.data);
    free(s->chunks);
    free(s->weights);
    free(s->sums);
    cril_pool_free(s->pool);
    free(s);
}
