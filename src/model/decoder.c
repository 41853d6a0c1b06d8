/*
 * A piece of up to CRIL_ROWS rows goes through all layers in one run of the pool. A layer's steps
 * are grouped into phases: steps by rows, products that read the same rows, operations across
 * positions. All threads walk through the phases together and share each phase's work, with a
 * barrier in between: rows are few here, so the columns of the matrices are what is shared. Panels
 * are packed once, when the decoder is created, since a call reads every weight for a handful of
 * rows.
 */
#include "model/decoder.h"

#include "model/logits.h"
#include "model/op.h"
#include "model/panels.h"
#include "model/plan.h"
#include "util/fail.h"
#include "util/size.h"
#include "util/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Steps [from, to) of a layer, which have the same form. */
struct phase {
    enum cril_form form;
    size_t from, to;
};

enum { MAX_PHASES = 2 * CRIL_MAX_STAGES };

/* Of a layer of one kind. */
struct phases {
    size_t n;
    struct phase phase[MAX_PHASES];
};

struct stream {
    struct cril_memory memory; /* states of all layers */
    size_t position;           /* tokens so far */
    size_t length;             /* at most; 0: it has no table in the rotations */
};

#define NONE SIZE_MAX

/* Rows that go through an operation across positions together. */
struct group {
    size_t first, n;
};

struct groups {
    size_t n;
    struct group group[CRIL_ROWS];
};

/* A thread's own. */
struct scratch {
    struct cril_memory across, panel;
};

struct cril_decoder {
    const cril_model *m;
    const struct cril_kernels *k;
    cril_pool *pool;
    struct cril_barrier barrier;
    struct scratch *scratch; /* [threads] */
    struct cril_rotations rotations;
    size_t context, n_pad;
    struct stream *streams;
    size_t n_streams;

    const struct cril_state *states[CRIL_MAX_STATES];
    size_t n_states;
    size_t *state_at;                /* [n_layers][n_states] where it starts in a stream's memory */
    size_t stream_bytes;             /* of all layers */
    struct cril_sequence *sequences; /* [n_streams] */

    struct cril_packed (*packed)[CRIL_N_SLOTS]; /* [n_layers + 1]; k == 0: not in memory */
    struct cril_memory *panels;                 /* [n_layers + 1] what they point into */
    cril_damaged damaged;

    struct phases phases[CRIL_MAX_KINDS];
    size_t ld[CRIL_N_BUFFERS];
    float *buffers[CRIL_N_BUFFERS];            /* [CRIL_ROWS][ld] */
    struct cril_activations activations;       /* [CRIL_ROWS], k set for each product */
    float *outputs;                            /* [CRIL_ROWS][columns] for the vocabulary matrix */
    struct cril_activations quantised_outputs; /* [CRIL_ROWS] */
    struct cril_memory memory;                 /* what the above point into */

    struct cril_row rows[CRIL_ROWS]; /* of the piece at work */
    size_t output[CRIL_ROWS];        /* whose distribution a row's output is; NONE */
    struct groups groups[2];         /* of operations in any order; in order */
    size_t n_rows;
    size_t first_output, n_outputs; /* of the piece, among the call's */
    atomic_size_t *next;            /* [phases of all layers + 1] units taken of each phase */
    size_t n_next;

    struct cril_memory values; /* [n_streams][chunks * CRIL_CHUNK] */
    struct cril_chunk *chunks; /* [n_streams][chunks] */
    double *weights, *sums;    /* [n_streams][chunks], [n_streams] */
};

/* Where a thread is on its way through the layers. */
struct place {
    struct cril_decoder *d;
    struct scratch *own;
    size_t layer, rank;
    atomic_size_t *next;
};

static size_t take(atomic_size_t *next)
{
    return atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
}

static const struct cril_step *steps_of(const struct place *at)
{
    return cril_layer_steps(at->d->m, at->layer)->step;
}

static const struct cril_matrix *matrix_of(const struct place *at, const struct cril_step *step)
{
    return &at->d->m->layers[at->layer].matrix[step->w];
}

static struct cril_pass pass_of(const struct place *at, const struct cril_step *step)
{
    const struct cril_decoder *d = at->d;
    size_t state = 0;
    for (size_t i = 0; i < d->n_states; i++)
        if (d->states[i] == step->op->state)
            state = d->state_at[at->layer * d->n_states + i];
    return (struct cril_pass){.m = d->m,
                              .k = d->k,
                              .rotations = &d->rotations,
                              .layer = at->layer,
                              .step = step,
                              .sequences = d->sequences,
                              .state = state};
}

/* Rows [first, first + n) of the piece. */
static struct cril_block block_of(const struct cril_decoder *d, size_t first, size_t n)
{
    struct cril_block b = {.rows = d->rows + first, .n = n, .ld = d->ld};
    for (size_t i = 0; i < CRIL_N_BUFFERS; i++)
        b.buffer[i] = d->buffers[i] + first * d->ld[i];
    return b;
}

/* ---- Products ---- */

/* Panel p of a matrix times m rows, to its columns of c. */
static void multiply_panel(struct cril_decoder *d, struct scratch *own, const struct cril_matrix *t,
                           const struct cril_packed *packed, size_t p, const float *a, size_t lda,
                           const struct cril_activations *activations, size_t m, float *c,
                           size_t ldc)
{
    const size_t first = p * CRIL_PANEL_COLUMNS, left = t->rows - first;
    struct cril_packed one;
    if (!packed->k) {
        cril_packed_place(d->k, t, left < CRIL_PANEL_COLUMNS ? left : CRIL_PANEL_COLUMNS,
                          own->panel.data, &one);
        one.prefetch_panels = 0;
        if (!cril_pack_panel(t, first, &one, 0))
            atomic_store(&d->damaged, t->name);
        packed = &one;
        p = 0;
    }
    cril_packed_multiply_panel(d->k, packed, p, a, lda, activations, 0, m, c + first, ldc);
}

/* The products that follow read row r of the buffer `in`: where a matrix holds integers, they read
 * it as such. */
static void quantise_row(const struct place *at, const struct phase *products, size_t r)
{
    const struct cril_decoder *d = at->d;
    for (size_t i = products->from; i < products->to; i++) {
        const struct cril_step *step = &steps_of(at)[i];
        const struct cril_matrix *t = matrix_of(at, step);
        if (!cril_matrix_has_integers(t))
            continue;
        struct cril_activations activations = d->activations;
        activations.k = t->columns;
        d->k->quantise(d->buffers[step->in] + r * d->ld[step->in], &activations, r);
        return;
    }
}

/* Panels of all matrices of the phase, whichever thread is free. */
static void run_products(const struct place *at, const struct phase *p)
{
    struct cril_decoder *d = at->d;
    size_t i = p->from, before = 0, unit;
    while ((unit = take(at->next)), true) {
        const struct cril_step *step = &steps_of(at)[i];
        while (unit - before >= cril_panels(matrix_of(at, step)->rows)) {
            before += cril_panels(matrix_of(at, step)->rows);
            if (++i == p->to)
                return;
            step++;
        }
        const struct cril_matrix *t = matrix_of(at, step);
        struct cril_activations activations = d->activations;
        activations.k = t->columns;
        multiply_panel(d, at->own, t, &d->packed[at->layer][step->w], unit - before,
                       d->buffers[step->in], d->ld[step->in], &activations, d->n_rows,
                       d->buffers[step->out], d->ld[step->out]);
    }
}

/* ---- Rows, and across positions ---- */

/* Every rank has rows of its own, the same ones in every phase: from one such phase to the next it
 * need not wait. */
static void run_rows(const struct place *at, const struct phase *p, const struct phase *then)
{
    const size_t threads = cril_pool_threads(at->d->pool);
    for (size_t r = at->rank; r < at->d->n_rows; r += threads) {
        const struct cril_block b = block_of(at->d, r, 1);
        for (size_t i = p->from; i < p->to; i++) {
            const struct cril_pass pass = pass_of(at, &steps_of(at)[i]);
            pass.step->op->rows(&pass, &b);
        }
        if (then && then->form == CRIL_BY_PRODUCT)
            quantise_row(at, then, r);
    }
}

/* A part of the work on one group of rows at a time, whichever thread is free. */
static void run_across(const struct place *at, const struct phase *p)
{
    const struct cril_pass pass = pass_of(at, &steps_of(at)[p->from]);
    const struct cril_op *op = pass.step->op;
    const struct groups *groups = &at->d->groups[op->in_order];
    const size_t parts = op->parts(pass.m, pass.layer);
    size_t unit;
    while ((unit = take(at->next)) < groups->n * parts) {
        const struct group *g = &groups->group[unit / parts];
        const struct cril_block b = block_of(at->d, g->first, g->n);
        op->across(&pass, &b, unit % parts, unit % parts + 1, at->own->across.data);
    }
}

/* ---- Ends ---- */

static void embed_rows(const struct place *at)
{
    const struct cril_steps *list = &at->d->m->family->embedding;
    const size_t threads = cril_pool_threads(at->d->pool);
    for (size_t r = at->rank; r < at->d->n_rows; r += threads) {
        const struct cril_block b = block_of(at->d, r, 1);
        cril_run_ends((struct cril_pass){.m = at->d->m, .k = at->d->k}, list->step,
                      list->step + list->n, &b);
    }
}

/* What the vocabulary matrix reads of the rows that have an output. */
static void prepare_outputs(const struct place *at)
{
    struct cril_decoder *d = at->d;
    const struct cril_matrix *t = cril_logits_matrix(d->m);
    const enum cril_buffer in = cril_logits_product(d->m)->in;
    const size_t threads = cril_pool_threads(d->pool);
    for (size_t r = at->rank; r < d->n_rows; r += threads) {
        if (d->output[r] == NONE)
            continue;
        const size_t i = d->output[r] - d->first_output;
        struct cril_block b = block_of(d, r, 1);
        b.buffer[in] = d->outputs + i * t->columns;
        cril_logits_prepare(d->m, d->k, &b);
        if (cril_matrix_has_integers(t))
            d->k->quantise(b.buffer[in], &d->quantised_outputs, i);
    }
}

static void run_chunks(const struct place *at)
{
    struct cril_decoder *d = at->d;
    const struct cril_matrix *t = cril_logits_matrix(d->m);
    const size_t n_chunks = cril_chunks(d->m), ld = n_chunks * CRIL_CHUNK;
    const struct cril_packed *packed =
        &d->packed[d->m->config.n_layers][cril_logits_product(d->m)->w];
    float *values = (float *)d->values.data + d->first_output * ld;
    size_t c;
    while ((c = take(at->next)) < n_chunks) {
        const size_t first = c * CRIL_CHUNK, n = cril_chunk_columns(d->m, c);
        for (size_t p = 0; p < cril_panels(n); p++)
            multiply_panel(d, at->own, t, packed, first / CRIL_PANEL_COLUMNS + p, d->outputs,
                           t->columns, &d->quantised_outputs, d->n_outputs, values, ld);
        cril_logits_finish(d->m, d->k, c, values + first, ld, d->n_outputs);
        for (size_t i = 0; i < d->n_outputs; i++)
            d->chunks[(d->first_output + i) * n_chunks + c] =
                cril_logits_sum(d->k, values + i * ld + first, n);
    }
}

/* ---- A piece ---- */

static void run_phase(const struct place *at, const struct phase *p, const struct phase *then)
{
    switch (p->form) {
    case CRIL_BY_ROWS: run_rows(at, p, then); break;
    case CRIL_BY_PRODUCT: run_products(at, p); break;
    case CRIL_ACROSS_POSITIONS: run_across(at, p); break;
    }
    if (p->form != CRIL_BY_ROWS || then)
        cril_barrier_wait(&at->d->barrier);
}

static void run_piece(void *arg, size_t rank, size_t worker)
{
    struct cril_decoder *d = arg;
    const size_t n_layers = d->m->config.n_layers;
    struct place at = {.d = d, .own = &d->scratch[worker], .rank = rank, .next = d->next};
    embed_rows(&at);
    for (at.layer = 0; at.layer < n_layers; at.layer++) {
        const struct phases *phases = &d->phases[d->m->layers[at.layer].kind];
        for (size_t i = 0; i < phases->n; i++, at.next++)
            run_phase(&at, &phases->phase[i], i + 1 < phases->n ? &phases->phase[i + 1] : NULL);
    }
    prepare_outputs(&at);
    cril_barrier_wait(&d->barrier);
    if (d->n_outputs)
        run_chunks(&at);
}

static void find_groups(struct cril_decoder *d)
{
    for (size_t in_order = 0; in_order < 2; in_order++) {
        struct groups *g = &d->groups[in_order];
        g->n = 0;
        for (size_t r = 0, n; r < d->n_rows; r += n) {
            n = cril_row_group(d->rows + r, d->n_rows - r, in_order);
            g->group[g->n++] = (struct group){.first = r, .n = n};
        }
    }
}

static void run(struct cril_decoder *d)
{
    if (!d->n_rows)
        return;
    for (size_t i = 0; i < d->n_next; i++)
        atomic_store_explicit(&d->next[i], 0, memory_order_relaxed);
    find_groups(d);
    cril_pool_run(d->pool, cril_pool_threads(d->pool), run_piece, d);
    d->first_output += d->n_outputs;
    d->n_rows = d->n_outputs = 0;
}

/* ---- A call ---- */

static cril_status check_feed(const struct cril_decoder *d, const struct cril_feed *f,
                              cril_error *err)
{
    cril_status st = CRIL_OK;
    if (f->stream >= d->n_streams || f->n < 1 ||
        f->n > d->streams[f->stream].length - d->streams[f->stream].position)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: %zu tokens more do not fit in stream %zu, which has %zu of %zu",
                         d->m->path, f->n, f->stream,
                         f->stream < d->n_streams ? d->streams[f->stream].position : 0,
                         f->stream < d->n_streams ? d->streams[f->stream].length : 0);
    for (size_t i = 0; st == CRIL_OK && i < f->n; i++)
        st = cril_logits_check_id(d->m, f->ids[i], err);
    return st;
}

static cril_status finish(struct cril_decoder *d, size_t n, cril_error *err)
{
    const size_t n_chunks = cril_chunks(d->m);
    const char *damaged = atomic_load(&d->damaged);
    if (damaged)
        return cril_fail_damaged(d->m->path, damaged, err);
    for (size_t i = 0; i < n; i++) {
        double max;
        d->sums[i] = cril_join_chunks(d->chunks + i * n_chunks, n_chunks, 1, &max,
                                      d->weights + i * n_chunks);
        if (!isfinite(d->sums[i]))
            return cril_fail(err, CRIL_ERR_NUMERIC,
                             "%s: a logit is not finite; the weights may be damaged", d->m->path);
    }
    return CRIL_OK;
}

cril_status cril_decoder_feed(struct cril_decoder *d, const struct cril_feed *feeds, size_t n,
                              cril_error *err)
{
    cril_status st;
    for (size_t i = 0; i < n; i++)
        if ((st = check_feed(d, &feeds[i], err)) != CRIL_OK)
            return st;
    d->n_rows = d->n_outputs = d->first_output = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < feeds[i].n; k++) {
            const bool last = k + 1 == feeds[i].n;
            d->output[d->n_rows] = last ? i : NONE;
            d->rows[d->n_rows++] =
                (struct cril_row){.sequence = feeds[i].stream,
                                  .position = d->streams[feeds[i].stream].position++,
                                  .id = feeds[i].ids[k]};
            d->n_outputs += last;
            if (d->n_rows == CRIL_ROWS)
                run(d);
        }
    run(d);
    return finish(d, n, err);
}

struct cril_distribution cril_decoder_distribution(const struct cril_decoder *d, size_t i)
{
    const size_t n_chunks = cril_chunks(d->m);
    return (struct cril_distribution){.weights = d->weights + i * n_chunks,
                                      .sum = d->sums[i],
                                      .values =
                                          (const float *)d->values.data + i * n_chunks * CRIL_CHUNK,
                                      .n_chunks = n_chunks,
                                      .n = d->m->n_vocab};
}

cril_status cril_decoder_reset(struct cril_decoder *d, size_t stream, size_t length,
                               cril_error *err)
{
    struct stream *const s = &d->streams[stream];
    struct cril_sequence *const q = &d->sequences[stream];

    if (length < 1 || length > d->context)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: a stream of %zu tokens, where %zu is the most",
                         d->m->path, length, d->context);
    if (s->length)
        cril_rotations_leave(&d->rotations, q->rotations);
    s->position = s->length = 0;
    if (!cril_rotations_take(&d->rotations, d->m, length, length, &q->rotations))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for decoding; try fewer streams",
                         d->m->path);
    s->length = length;
    return CRIL_OK;
}

size_t cril_decoder_streams(const struct cril_decoder *d)
{
    return d->n_streams;
}

/* ---- Life ---- */

/* Products that read the same rows go together; rows come before products and what goes across
 * positions, to be quantised. */
static void find_phases(const struct cril_steps *list, struct phases *p)
{
    for (size_t i = 0; i < list->n; i++) {
        const enum cril_form form = list->step[i].op->form;
        struct phase *last = p->n ? &p->phase[p->n - 1] : NULL;
        if (last && last->form == form &&
            (form == CRIL_BY_ROWS ||
             (form == CRIL_BY_PRODUCT && list->step[last->from].in == list->step[i].in))) {
            last->to = i + 1;
            continue;
        }
        if (form != CRIL_BY_ROWS && (!last || last->form != CRIL_BY_ROWS))
            p->phase[p->n++] = (struct phase){.form = CRIL_BY_ROWS, .from = i, .to = i};
        p->phase[p->n++] = (struct phase){.form = form, .from = i, .to = i + 1};
    }
}

/* Where states lie in a stream's memory. False: sizes beyond this machine's addresses. */
static bool place_states(struct cril_decoder *d)
{
    const cril_model *m = d->m;
    d->n_states = cril_model_states(m, d->states);
    if (!(d->state_at = calloc(m->config.n_layers * d->n_states + 1, sizeof(*d->state_at))))
        return false;
    for (size_t l = 0; l < m->config.n_layers; l++)
        for (size_t i = 0; i < d->n_states; i++) {
            if (!cril_layer_uses(m, l, d->states[i]))
                continue;
            d->state_at[l * d->n_states + i] = d->stream_bytes;
            if (!cril_size_add(d->stream_bytes, d->states[i]->bytes(m, l, d->n_pad),
                               &d->stream_bytes) ||
                d->stream_bytes > SIZE_MAX - 63)
                return false;
            d->stream_bytes = (d->stream_bytes + 63) / 64 * 64;
        }
    return true;
}

/* The steps of a layer, or of the head where l is n_layers: those that have matrices as panels. */
static const struct cril_steps *list_of(const cril_model *m, size_t l)
{
    return l < m->config.n_layers ? cril_layer_steps(m, l) : &m->family->head;
}

/* The matrix of a product; NULL: the step is none. */
static const struct cril_matrix *product_matrix(const cril_model *m, size_t l,
                                                const struct cril_step *step)
{
    return step->op->form == CRIL_BY_PRODUCT ? &m->layers[l].matrix[step->w] : NULL;
}

struct pack_job {
    struct cril_decoder *d;
    struct cril_packing packing;
};

static void pack_task(void *arg, size_t panel, size_t worker)
{
    struct pack_job *job = arg;
    (void)worker;
    cril_packing_panel(&job->packing, panel, &job->d->damaged);
}

/* The matrices of a layer as panels. */
static void pack_layer(struct cril_decoder *d, size_t l, bool release)
{
    const struct cril_steps *list = list_of(d->m, l);
    struct pack_job job = {.d = d};
    unsigned char *memory = d->panels[l].data;
    for (size_t i = 0; i < list->n; i++) {
        const struct cril_matrix *t = product_matrix(d->m, l, &list->step[i]);
        struct cril_packed *w = &d->packed[l][list->step[i].w];
        if (!t)
            continue;
        cril_packing_add(&job.packing, d->k, t, &memory, w);
        w->prefetch_panels = cril_pool_threads(d->pool); /* they take panels by turns */
    }
    cril_pool_run(d->pool, job.packing.n_panels, pack_task, &job);
    if (release)
        cril_packing_release(&job.packing);
}

/* Bytes of a layer's panels. False: beyond this machine's addresses. */
static bool layer_bytes(const struct cril_decoder *d, size_t l, size_t *total)
{
    const struct cril_steps *list = list_of(d->m, l);
    *total = 0;
    for (size_t i = 0; i < list->n; i++) {
        const struct cril_matrix *t = product_matrix(d->m, l, &list->step[i]);
        size_t bytes;
        if (t &&
            (!cril_packed_bytes(d->k, t, t->rows, &bytes) || !cril_size_add(*total, bytes, total)))
            return false;
    }
    return true;
}

/* Sets out how many streams there are and which layers stay in memory as panels. */
static bool share_memory(struct cril_decoder *d, size_t memory, bool *keep)
{
    const size_t taken = memory ? cril_memory_resident() : 0,
                 stream =
                     (d->stream_bytes ? d->stream_bytes : 1) +
                     (cril_model_depends_on_length(d->m) ? cril_rotations_bytes(d->m, d->context)
                                                         : 0);
    size_t left = memory ? memory : cril_memory_physical() / 4 * 3;
    left = left > taken ? left - taken : 0;
    if (left / 2 / stream < d->n_streams)
        d->n_streams = left / 2 / stream ? left / 2 / stream : 1;
    left = left / stream > d->n_streams ? left - d->n_streams * stream : 0;
    for (size_t l = 0; l <= d->m->config.n_layers; l++) {
        size_t total;
        if (!layer_bytes(d, l, &total))
            return false;
        keep[l] = total <= left && cril_memory_reserve(&d->panels[l], total, 1);
        left -= keep[l] ? total : 0;
    }
    return true;
}

/* Activations of a piece, in one go. */
static bool create_buffers(struct cril_decoder *d)
{
    const size_t k = cril_logits_matrix(d->m)->columns;
    size_t floats = 0, widest = 0;
    cril_plan_widths(d->m, d->ld);
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
        floats += CRIL_ROWS * d->ld[b];
        widest = d->ld[b] > widest ? d->ld[b] : widest;
    }
    const size_t quantised = cril_activations_floats(CRIL_ROWS, widest),
                 outputs = CRIL_ROWS * k + cril_activations_floats(CRIL_ROWS, k);
    if (!cril_memory_reserve(&d->memory, floats + quantised + outputs, sizeof(float)))
        return false;
    float *f = d->memory.data;
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
        d->buffers[b] = f;
        f += CRIL_ROWS * d->ld[b];
    }
    d->activations = cril_activations_at(f, CRIL_ROWS, widest);
    d->outputs = f + quantised;
    d->quantised_outputs = cril_activations_at(d->outputs + CRIL_ROWS * k, CRIL_ROWS, k);
    return true;
}

/* Of each thread: scratch, and the panel that it unpacks where a matrix is not kept. */
static bool create_scratch(struct cril_decoder *d)
{
    const size_t across = cril_model_scratch(d->m, d->n_pad);
    size_t panel = 0, bytes;
    for (size_t l = 0; l <= d->m->config.n_layers; l++)
        for (size_t s = 0; s < list_of(d->m, l)->n; s++) {
            const struct cril_matrix *t = product_matrix(d->m, l, &list_of(d->m, l)->step[s]);
            if (t && cril_packed_bytes(d->k, t, CRIL_PANEL_COLUMNS, &bytes) && bytes > panel)
                panel = bytes;
        }
    for (size_t i = 0; i < cril_pool_threads(d->pool); i++)
        if (!cril_memory_reserve(&d->scratch[i].across, across, sizeof(float)) ||
            !cril_memory_reserve(&d->scratch[i].panel, panel, 1))
            return false;
    return true;
}

/* What a call leaves, and its counters. */
static bool create_results(struct cril_decoder *d)
{
    const size_t n_chunks = cril_chunks(d->m);
    d->n_next = 1;
    for (size_t l = 0; l < d->m->config.n_layers; l++)
        d->n_next += d->phases[d->m->layers[l].kind].n;
    d->chunks = calloc(d->n_streams, n_chunks * sizeof(*d->chunks));
    d->weights = calloc(d->n_streams, n_chunks * sizeof(*d->weights));
    d->sums = calloc(d->n_streams, sizeof(*d->sums));
    d->next = calloc(d->n_next, sizeof(*d->next));
    return d->chunks && d->weights && d->sums && d->next &&
           cril_memory_reserve(&d->values, d->n_streams, n_chunks * CRIL_CHUNK * sizeof(float));
}

/* Zeros: lanes past the last position must hold numbers. The threads share what it takes to get so
 * many pages. */
static void zero_task(void *arg, size_t stream, size_t worker)
{
    const struct cril_memory *m = &((struct cril_decoder *)arg)->streams[stream].memory;
    (void)worker;
    memset(m->data, 0, m->bytes);
}

static bool create_streams(struct cril_decoder *d)
{
    d->streams = calloc(d->n_streams, sizeof(*d->streams));
    d->sequences = calloc(d->n_streams, sizeof(*d->sequences));
    for (size_t i = 0; d->streams && d->sequences && i < d->n_streams; i++) {
        if (!cril_memory_reserve(&d->streams[i].memory, d->stream_bytes, 1))
            return false;
        d->sequences[i] =
            (struct cril_sequence){.state = d->streams[i].memory.data, .n_pad = d->n_pad};
    }
    if (!d->streams || !d->sequences)
        return false;
    cril_pool_run(d->pool, d->n_streams, zero_task, d);
    for (size_t i = 0; i < d->n_streams; i++)
        if (cril_decoder_reset(d, i, d->context, NULL) != CRIL_OK)
            return false;
    return true;
}

static cril_status create(struct cril_decoder *d, const struct cril_decoder_options *o,
                          cril_error *err)
{
    const size_t n_layers = d->m->config.n_layers;
    const unsigned threads = o->threads ? o->threads : cril_cpu_count();
    cril_status st;
    if ((st = cril_pool_create(threads, &d->pool, err)) != CRIL_OK)
        return st;
    if (!cril_barrier_init(&d->barrier, threads)) {
        cril_pool_free(d->pool); /* who frees d must find both or none */
        d->pool = NULL;
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", d->m->path);
    }
    for (size_t kind = 0; kind < CRIL_MAX_KINDS; kind++)
        find_phases(&d->m->family->layers[kind], &d->phases[kind]);
    d->scratch = calloc(threads, sizeof(*d->scratch));
    d->packed = calloc(n_layers + 1, sizeof(*d->packed));
    d->panels = calloc(n_layers + 1, sizeof(*d->panels));
    bool *keep = calloc(n_layers + 1, sizeof(*keep));
    const bool ok = d->scratch && d->packed && d->panels && keep && place_states(d) &&
                    share_memory(d, o->memory, keep) && create_buffers(d) && create_scratch(d) &&
                    create_results(d) && create_streams(d);
    for (size_t l = 0; ok && l <= n_layers; l++)
        if (keep[l])
            pack_layer(d, l, o->memory != 0);
    free(keep);
    const char *damaged = atomic_load(&d->damaged);
    if (!ok)
        return cril_fail(err, CRIL_ERR_NOMEM,
                         "%s: out of memory for decoding; try fewer streams or --memory",
                         d->m->path);
    return damaged ? cril_fail_damaged(d->m->path, damaged, err) : CRIL_OK;
}

cril_status cril_decoder_create(const cril_model *m, const struct cril_kernels *k,
                                const struct cril_decoder_options *options,
                                struct cril_decoder **out, cril_error *err)
{
    struct cril_decoder *d = calloc(1, sizeof(*d));
    cril_status st;
    if (!d)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    d->m = m;
    d->k = k;
    d->context = options->context;
    d->n_streams = options->streams;
    d->n_pad = cril_plan_rows(d->context);
    if ((st = create(d, options, err)) != CRIL_OK) {
        cril_decoder_free(d);
        return st;
    }
    *out = d;
    return CRIL_OK;
}

void cril_decoder_free(struct cril_decoder *d)
{
    if (!d)
        return;
    if (d->pool)
        cril_barrier_free(&d->barrier);
    for (size_t i = 0; d->scratch && i < cril_pool_threads(d->pool); i++) {
        free(d->scratch[i].across.data);
        free(d->scratch[i].panel.data);
    }
    for (size_t i = 0; d->streams && i < d->n_streams; i++)
        free(d->streams[i].memory.data);
    for (size_t l = 0; d->panels && l <= d->m->config.n_layers; l++)
        free(d->panels[l].data);
    cril_rotations_free(&d->rotations);
    free(d->scratch);
    free(d->streams);
    free(d->sequences);
    free(d->state_at);
    free(d->packed);
    free(d->panels);
    free(d->memory.data);
    free(d->next);
    free(d->values.data);
    free(d->chunks);
    free(d->weights);
    free(d->sums);
    cril_pool_free(d->pool);
    free(d);
}
