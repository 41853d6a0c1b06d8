/*
 * All windows go through one stage of a layer before the next is touched (plan.h), so that a
 * stage's matrices are packed once for thousands of rows. The tasks of a stage are blocks of rows;
 * behind them in the same run are those that pack the panels of the next stage into the other half
 * of the memory for panels, which also keeps every thread busy to the end. An operation whose
 * positions follow in order is a stage of its own, whose tasks are windows, prefixes before those
 * that go on from them. The stage of experts is
 * repeated for each, with the rows that chose it: experts are packed one behind the other as stages
 * are, and what a row gets from them is summed in their order. In the last layer only scored rows
 * go on from where the last state is stored.
 */
#include "model/engine.h"

#include "model/details.h"
#include "model/divergence.h"
#include "model/experts.h"
#include "model/op.h"
#include "model/panels.h"
#include "model/plan.h"
#include "model/vocabulary.h"
#include "util/clock.h"
#include "util/fail.h"
#include "util/memory.h"
#include "util/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A worker's own memory. */
struct scratch {
    float *buffers[CRIL_N_BUFFERS];      /* [CRIL_ROWS][ld]; NULL for those that wait at a cut */
    struct cril_activations activations; /* [CRIL_ROWS], k set for each product */
    struct cril_memory memory;           /* what the above point into */
    struct cril_memory across;           /* of operations across positions */
};

/* Where a window's positions lie, its rows in the batch, and how many prefixes it has. */
struct extent {
    size_t start, end, first_row, depth;
};

/* A stage of a layer; of that of experts, one of these. */
struct stage {
    size_t layer, index, expert;
};

struct cril_engine {
    const cril_model *m;
    const struct cril_kernels *k;
    cril_pool *pool;
    struct cril_plan plan;
    bool bounded;            /* memory is: pages of the file are let go of */
    struct scratch *scratch; /* [threads] */
    struct cril_vocabulary vocabulary;
    cril_damaged damaged;
    struct cril_engine **others; /* [n_others] that are compared; NULL: none */
    size_t n_others;
    struct cril_heads heads; /* of this one and of the others */
    struct cril_memory apart;
    struct cril_details_head details_head;
    struct cril_memory details;
    double seconds; /* of layers at work */

    const struct cril_state *states[CRIL_MAX_STATES];
    size_t n_states;

    const struct cril_window *windows; /* of the call at work */
    size_t n_windows, n_rows, longest;
    size_t depths;              /* 1 + the most prefixes that a window has behind each other */
    struct cril_memory extents; /* struct extent [n_windows] */
    struct cril_memory rows, ids, nats, shares;
    struct cril_memory sequences; /* [n_states][n_windows] */
    struct cril_memory state;     /* what they point into */
    struct cril_rotations rotations;
    struct cril_memory tables; /* [n_windows] which of these a window has */
    struct cril_memory kept_between_stages[CRIL_N_BUFFERS]; /* [n_rows][ld] where the plan says */
    struct cril_memory entries; /* [n_rows * n_used] of the experts at work */
    size_t *first_entry;        /* [n_experts + 1] of an expert */

    struct cril_memory panels[2]; /* of the stage at work, of the next */
    struct cril_packed packed[2][CRIL_N_SLOTS];
    struct cril_packing next;
    struct stage stage; /* at work */
    size_t parity;      /* which of panels and packed is its */
    size_t n_tasks;     /* of the stage, without those of packing */
    size_t depth;       /* of the windows at work in an operation in order */
};

static cril_status no_memory(const struct cril_engine *e, cril_error *err)
{
    return cril_fail(
        err, CRIL_ERR_NOMEM,
        "%s: out of memory for the forward pass; try a smaller batch, context or --memory",
        e->m->path);
}

/* ---- Steps ---- */

static const struct cril_stages *stages_of(const struct cril_engine *e, size_t layer)
{
    return &e->plan.stages[e->m->layers[layer].kind];
}

static const struct extent *extent_of(const struct cril_engine *e, size_t window)
{
    return (const struct extent *)e->extents.data + window;
}

/* Step i of the stage's layer. */
static const struct cril_step *step_at(const struct cril_engine *e, struct stage s, size_t i)
{
    return &cril_layer_steps(e->m, s.layer)->step[i];
}

static struct cril_pass pass_of(const struct cril_engine *e, size_t layer,
                                const struct cril_step *step)
{
    const struct cril_sequence *sequences = e->sequences.data;
    for (size_t i = 0; step->op->state && e->states[i] != step->op->state; i++)
        sequences += e->n_windows;
    return (struct cril_pass){.m = e->m,
                              .k = e->k,
                              .rotations = &e->rotations,
                              .layer = layer,
                              .step = step,
                              .sequences = sequences};
}

/* Rows [first, first + n) of the batch. Buffers that do not wait at cuts are the worker's own. */
static struct cril_block block_of(const struct cril_engine *e, const struct scratch *s,
                                  size_t first, size_t n)
{
    struct cril_block b = {
        .rows = (const struct cril_row *)e->rows.data + first, .n = n, .ld = e->plan.ld};
    for (size_t i = 0; i < CRIL_N_BUFFERS; i++)
        b.buffer[i] = e->plan.kept_between_stages[i]
                          ? (float *)e->kept_between_stages[i].data + first * e->plan.ld[i]
                          : s->buffers[i];
    return b;
}

/* *quantised: the buffer whose numbers s->activations holds. */
static void multiply(const struct cril_engine *e, struct scratch *s, const struct cril_step *step,
                     const struct cril_block *b, enum cril_buffer *quantised)
{
    const struct cril_packed *w = &e->packed[e->parity][step->w];
    s->activations.k = w->k;
    if (!w->f && *quantised != step->in) {
        for (size_t i = 0; i < b->n; i++)
            e->k->quantise(cril_block_row(b, step->in, i), &s->activations, i);
        *quantised = step->in;
    }
    cril_packed_multiply(e->k, w, b->buffer[step->in], b->ld[step->in], &s->activations, 0, b->n,
                         b->buffer[step->out], b->ld[step->out]);
}

/* All parts of an operation across positions, group by group. */
static void run_across(const struct cril_pass *p, const struct scratch *s,
                       const struct cril_block *b)
{
    const struct cril_op *op = p->step->op;
    for (size_t i = 0, n; i < b->n; i += n) {
        n = cril_row_group(b->rows + i, b->n - i, false);
        const struct cril_block group = cril_block_part(b, i, n);
        op->across(p, &group, 0, op->parts(p->m, p->layer), s->across.data);
    }
}

/* A block of rows or entries through the stage at work. */
static void run_block(const struct cril_engine *e, struct scratch *s, const struct cril_block *b)
{
    const struct cril_stages *stages = stages_of(e, e->stage.layer);
    enum cril_buffer quantised = CRIL_N_BUFFERS;
    for (size_t i = stages->cut[e->stage.index]; i < stages->cut[e->stage.index + 1]; i++) {
        const struct cril_step *step = step_at(e, e->stage, i);
        const struct cril_pass p = pass_of(e, e->stage.layer, step);
        switch (step->op->form) {
        case CRIL_BY_PRODUCT: multiply(e, s, step, b, &quantised); break;
        case CRIL_ACROSS_POSITIONS: run_across(&p, s, b); break;
        default: step->op->rows(&p, b);
        }
        if (quantised == step->out)
            quantised = CRIL_N_BUFFERS;
    }
}

static void run_rows(const struct cril_engine *e, struct scratch *s, size_t task)
{
    const size_t first = task * CRIL_ROWS, left = e->n_rows - first;
    const struct cril_block b = block_of(e, s, first, left < CRIL_ROWS ? left : CRIL_ROWS);
    run_block(e, s, &b);
}

/* ---- Experts ---- */

static bool is_of_experts(const struct cril_engine *e, struct stage s)
{
    return step_at(e, s, stages_of(e, s.layer)->cut[s.index])->op->form == CRIL_TO_EXPERTS;
}

/* How many rows chose the expert. */
static size_t expert_rows(const struct cril_engine *e, size_t expert)
{
    return e->first_entry[expert + 1] - e->first_entry[expert];
}

/* Rows of a task of the expert at work: about as many in each, and a task for each thread. */
static size_t expert_task_rows(const struct cril_engine *e)
{
    enum { TILE = 12 }; /* the rows that most kernels take at once, or a multiple of these */
    const size_t n = expert_rows(e, e->stage.expert), threads = cril_pool_threads(e->pool),
                 tasks = (n + CRIL_ROWS - 1) / CRIL_ROWS,
                 shared = (tasks + threads - 1) / threads * threads,
                 rows = shared ? (n + shared - 1) / shared : 1;
    return (rows + TILE - 1) / TILE * TILE;
}

/* Some entries of the expert at work. Buffers that wait at cuts have the rows of all the batch. */
static void run_entries(const struct cril_engine *e, struct scratch *s, size_t task)
{
    const size_t rows = expert_task_rows(e), first = task * rows,
                 left = expert_rows(e, e->stage.expert) - first;
    struct cril_block b = block_of(e, s, 0, left < rows ? left : rows);
    b.entries =
        (const struct cril_entry *)e->entries.data + e->first_entry[e->stage.expert] + first;
    run_block(e, s, &b);
}

/* The rows by the experts that they chose. */
static void sort_rows(struct cril_engine *e)
{
    cril_sort_by_expert(&e->m->config.mixture, e->kept_between_stages[CRIL_BUF_C].data,
                        e->plan.ld[CRIL_BUF_C], e->n_rows, e->entries.data, e->first_entry);
}

/* ---- Operations in order ---- */

/* The operation that the stage at work consists of, if its positions follow in order; NULL: they do
 * not, or there are others. */
static const struct cril_step *in_order(const struct cril_engine *e)
{
    const struct cril_step *first =
        step_at(e, e->stage, stages_of(e, e->stage.layer)->cut[e->stage.index]);
    return first->op->in_order ? first : NULL;
}

/* A part of the operation for all rows of a window. */
static void run_window(const struct cril_engine *e, struct scratch *s, size_t task)
{
    const struct cril_step *step = in_order(e);
    const struct cril_pass p = pass_of(e, e->stage.layer, step);
    const size_t parts = step->op->parts(e->m, e->stage.layer), part = task % parts,
                 window = task / parts;
    const struct cril_block b =
        block_of(e, s, extent_of(e, window)->first_row, e->windows[window].n);
    if (extent_of(e, window)->depth == e->depth)
        step->op->across(&p, &b, part, part + 1, s->across.data);
}

/* ---- Prefixes ---- */

/* What the operation of a stage's first step needs of the prefix of a window. */
static void inherit_task(void *arg, size_t window, size_t worker)
{
    const struct cril_engine *e = arg;
    const size_t layer = e->stage.layer;
    const struct cril_step *step = step_at(e, e->stage, stages_of(e, layer)->cut[e->stage.index]);
    const struct cril_sequence *s = &pass_of(e, layer, step).sequences[window];
    const struct cril_state *state = step->op->state;
    (void)worker;
    if (!s->prefix || (step->op->in_order && extent_of(e, window)->depth != e->depth))
        return;
    if (state->inherit)
        state->inherit(e->m, layer, s);
    else
        memcpy(s->state, s->prefix->state, state->bytes(e->m, layer, s->n_pad));
}

/* An operation across positions begins its stage: what is stored has been stored. */
static void inherit(struct cril_engine *e)
{
    const struct cril_step *first =
        step_at(e, e->stage, stages_of(e, e->stage.layer)->cut[e->stage.index]);
    if (e->depths > 1 && first->op->form == CRIL_ACROSS_POSITIONS)
        cril_pool_run(e->pool, e->n_windows, inherit_task, e);
}

/* ---- Stages ---- */

/* Makes the stage's matrices the next to be packed, into the half that is free, and asks for their
 * pages. */
static void place_next(struct cril_engine *e, struct stage s, size_t parity)
{
    const struct cril_stages *stages = stages_of(e, s.layer);
    unsigned char *memory = e->panels[parity].data;
    for (size_t i = stages->cut[s.index]; i < stages->cut[s.index + 1]; i++) {
        const struct cril_step *step = step_at(e, s, i);
        if (step->op->form == CRIL_BY_PRODUCT)
            cril_packing_add(&e->next, e->k, cril_step_matrix(e->m, s.layer, step, s.expert),
                             &memory, &e->packed[parity][step->w]);
    }
    cril_packing_fetch(&e->next);
}

static void stage_task(void *arg, size_t task, size_t worker)
{
    struct cril_engine *e = arg;
    struct scratch *s = &e->scratch[worker];
    if (task >= e->n_tasks)
        cril_packing_panel(&e->next, task - e->n_tasks, &e->damaged);
    else if (in_order(e))
        run_window(e, s, task);
    else if (is_of_experts(e, e->stage))
        run_entries(e, s, task);
    else
        run_rows(e, s, task);
}

static size_t count_tasks(const struct cril_engine *e)
{
    const struct cril_step *step = in_order(e);
    if (step)
        return e->n_windows * step->op->parts(e->m, e->stage.layer);
    if (is_of_experts(e, e->stage))
        return (expert_rows(e, e->stage.expert) + expert_task_rows(e) - 1) / expert_task_rows(e);
    return (e->n_rows + CRIL_ROWS - 1) / CRIL_ROWS;
}

/* Which of its window's targets a row predicts; < 0: none. */
static ptrdiff_t target_of(const struct cril_engine *e, const struct cril_row *r)
{
    return (ptrdiff_t)(r->position - extent_of(e, r->sequence)->start) -
           (ptrdiff_t)e->windows[r->sequence].first;
}

/* From here on only scored rows matter: they move together. */
static void keep_scored(struct cril_engine *e)
{
    struct cril_row *rows = e->rows.data;
    size_t n = 0;
    for (size_t r = 0; r < e->n_rows; r++) {
        if (target_of(e, &rows[r]) < 0)
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

/* Stages of all layers before this one. */
static size_t stages_before(const struct cril_engine *e, size_t layer)
{
    size_t n = 0;
    for (size_t l = 0; l < layer; l++)
        n += stages_of(e, l)->n;
    return n;
}

/* How many stages need all rows: those up to the last that stores a state. */
static size_t stages_of_all_rows(const struct cril_engine *e)
{
    for (size_t l = e->m->config.n_layers; l-- > 0;) {
        const struct cril_stages *stages = stages_of(e, l);
        for (size_t k = stages->n; k-- > 0;)
            for (size_t i = stages->cut[k]; i < stages->cut[k + 1]; i++)
                if (cril_layer_steps(e->m, l)->step[i].op->stores)
                    return stages_before(e, l) + k + 1;
    }
    return 0;
}

/* Of experts, the next one that rows chose. */
static struct stage after(const struct cril_engine *e, struct stage s)
{
    if (is_of_experts(e, s))
        for (size_t x = s.expert + 1; x < e->m->config.mixture.n_experts; x++)
            if (expert_rows(e, x))
                return (struct stage){s.layer, s.index, x};
    return s.index + 1 < stages_of(e, s.layer)->n ? (struct stage){s.layer, s.index + 1, 0}
                                                  : (struct stage){s.layer + 1, 0, 0};
}

/* The stage at work, and the packing of the next. Where positions follow in order, prefixes go
 * first. */
static void run_stage(struct cril_engine *e)
{
    e->depth = 0;
    for (; in_order(e) && e->depth + 1 < e->depths; e->depth++) {
        inherit(e);
        cril_pool_run(e->pool, e->n_tasks, stage_task, e);
    }
    inherit(e);
    cril_pool_run(e->pool, e->n_tasks + e->next.n_panels, stage_task, e);
}

static cril_status run_layers(struct cril_engine *e, cril_engine_poll poll, void *user,
                              cril_error *err)
{
    const size_t n_layers = e->m->config.n_layers, n = stages_before(e, n_layers),
                 all_rows = stages_of_all_rows(e), last = stages_of(e, n_layers - 1)->n;
    struct stage next = {0, 0, 0};
    e->next = (struct cril_packing){0};
    place_next(e, next, 0);
    e->n_tasks = 0;
    e->parity = 1;
    cril_pool_run(e->pool, e->next.n_panels, stage_task, e);
    for (size_t i = 0;; i += next.expert == 0) {
        if (i == all_rows && next.expert == 0)
            keep_scored(e);
        if (e->bounded)
            cril_packing_release(&e->next);
        if (i == n)
            return CRIL_OK;
        if (poll && poll(user, (double)i / (double)(n + last)) != 0)
            return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
        e->stage = next;
        if (is_of_experts(e, next) && next.expert == 0)
            sort_rows(e);
        e->parity = 1 - e->parity;
        e->n_tasks = count_tasks(e);
        e->next = (struct cril_packing){0};
        next = after(e, next);
        if (next.layer < n_layers)
            place_next(e, next, 1 - e->parity);
        run_stage(e);
    }
}

static void embed_task(void *arg, size_t task, size_t worker)
{
    struct cril_engine *e = arg;
    const struct cril_steps *list = &e->m->family->embedding;
    const size_t first = task * CRIL_ROWS, left = e->n_rows - first;
    const struct cril_block b =
        block_of(e, &e->scratch[worker], first, left < CRIL_ROWS ? left : CRIL_ROWS);
    cril_run_ends((struct cril_pass){.m = e->m, .k = e->k}, list->step, list->step + list->n, &b);
}

/* Lets go of what the embedding's steps have read of the file. */
static void release_embedding(const struct cril_engine *e)
{
    const struct cril_steps *list = &e->m->family->embedding;
    for (size_t i = 0; i < list->n; i++) {
        const struct cril_matrix *t = &cril_model_ends(e->m)->matrix[list->step[i].w];
        if (cril_matrix_is_set(t))
            cril_pages_release(t->data, cril_matrix_bytes(t));
    }
}

/* ---- A batch ---- */

/* Inputs of the pass that a window belongs to. */
static size_t length_of(const struct cril_window *w, const struct extent *x)
{
    return w->length ? w->length : x->end;
}

static cril_status check_window(const struct cril_engine *e, const struct cril_window *w,
                                const struct extent *x, cril_error *err)
{
    cril_status st = CRIL_OK;
    const size_t max = cril_model_max_window(e->m), start = x->start, length = length_of(w, x);
    if (w->n < 1 || start > max || w->n > max - start || x->end > length || length > max ||
        w->first > w->n)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: a window of %zu tokens, of a model that runs at most %zu", e->m->path,
                         length, max);
    for (size_t i = 0; st == CRIL_OK && i < w->n; i++)
        st = cril_logits_check_id(e->m, w->ids[i], err);
    for (size_t i = w->first; st == CRIL_OK && i < w->n; i++)
        st = cril_logits_check_id(e->m, w->targets[i - w->first], err);
    return st;
}

/* Where each window lies. */
static cril_status place_windows(struct cril_engine *e, size_t *n_scored, cril_error *err)
{
    e->n_rows = e->longest = e->depths = *n_scored = 0;
    if (!cril_memory_reserve(&e->extents, e->n_windows, sizeof(struct extent)))
        return no_memory(e, err);
    struct extent *x = e->extents.data;
    for (size_t i = 0; i < e->n_windows; i++) {
        const struct cril_window *w = &e->windows[i];
        if (w->prefix > i)
            return cril_fail(err, CRIL_ERR_RANGE, "%s: a window stands before its prefix",
                             e->m->path);
        const struct extent *prefix = w->prefix ? &x[w->prefix - 1] : NULL;
        x[i] = (struct extent){.start = prefix ? prefix->end : 0,
                               .first_row = e->n_rows,
                               .depth = prefix ? prefix->depth + 1 : 0};
        x[i].end = x[i].start + w->n;
        const cril_status st = check_window(e, w, &x[i], err);
        if (st != CRIL_OK)
            return st;
        e->n_rows += w->n;
        *n_scored += w->n - w->first;
        e->longest = x[i].end > e->longest ? x[i].end : e->longest;
        e->depths = x[i].depth >= e->depths ? x[i].depth + 1 : e->depths;
    }
    return CRIL_OK;
}

/* Positions that a window's states by position have room for. */
static size_t padded_rows(const struct cril_engine *e, size_t window)
{
    return cril_engine_window_rows(extent_of(e, window)->start, e->windows[window].n);
}

/* Bytes that the states of a window take. */
static size_t window_state(const struct cril_engine *e, size_t window)
{
    size_t bytes = 0;
    for (size_t i = 0; i < e->n_states; i++)
        bytes += cril_state_max_bytes(e->m, e->states[i], padded_rows(e, window));
    return bytes;
}

static void leave_rotations(struct cril_engine *e, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cril_rotations_leave(&e->rotations, ((const size_t *)e->tables.data)[i]);
}

/* The table of each window. */
static bool take_rotations(struct cril_engine *e)
{
    if (!cril_memory_reserve(&e->tables, e->n_windows, sizeof(size_t)))
        return false;
    for (size_t i = 0; i < e->n_windows; i++) {
        if (cril_rotations_take(&e->rotations, e->m, length_of(&e->windows[i], extent_of(e, i)),
                                extent_of(e, i)->end, (size_t *)e->tables.data + i))
            continue;
        leave_rotations(e, i);
        return false;
    }
    return true;
}

static bool reserve_batch(struct cril_engine *e, size_t n_scored)
{
    size_t state = 0;
    for (size_t i = 0; i < e->n_windows; i++)
        state += window_state(e, i);
    bool ok = cril_memory_reserve(&e->rows, e->n_rows, sizeof(struct cril_row)) &&
              cril_memory_reserve(&e->sequences, e->n_windows,
                                  e->n_states * sizeof(struct cril_sequence)) &&
              cril_memory_reserve(&e->state, state, 1) &&
              cril_memory_reserve(&e->entries, e->n_rows,
                                  e->m->config.mixture.n_used * sizeof(struct cril_entry)) &&
              cril_memory_reserve(&e->ids, n_scored, sizeof(int32_t)) &&
              cril_memory_reserve(&e->nats, n_scored, sizeof(double)) &&
              cril_memory_reserve(&e->shares, n_scored, sizeof(struct cril_shares));
    for (size_t b = 0; ok && b < CRIL_N_BUFFERS; b++)
        ok = !e->plan.kept_between_stages[b] ||
             cril_memory_reserve(&e->kept_between_stages[b], e->n_rows,
                                 e->plan.ld[b] * sizeof(float));
    const size_t scratch = cril_model_scratch(e->m, cril_plan_rows(e->longest));
    for (size_t i = 0; ok && i < cril_pool_threads(e->pool); i++)
        ok = cril_memory_reserve(&e->scratch[i].across, scratch, sizeof(float));
    return ok;
}

/* Rows and states. */
static void lay_out(struct cril_engine *e)
{
    struct cril_row *row = e->rows.data;
    struct cril_sequence *sequences = e->sequences.data;
    unsigned char *memory = e->state.data;
    for (size_t i = 0; i < e->n_windows; i++) {
        const struct cril_window *w = &e->windows[i];
        const size_t start = extent_of(e, i)->start;
        for (size_t k = 0; k < e->n_states; k++) {
            struct cril_sequence *s = &sequences[k * e->n_windows + i];
            *s = (struct cril_sequence){.state = memory,
                                        .n_pad = padded_rows(e, i),
                                        .rotations = ((const size_t *)e->tables.data)[i],
                                        .prefix = w->prefix ? s - i + w->prefix - 1 : NULL,
                                        .start = start};
            memory += cril_state_max_bytes(e->m, e->states[k], s->n_pad);
        }
        for (size_t p = 0; p < w->n; p++)
            *row++ = (struct cril_row){.sequence = i, .position = start + p, .id = w->ids[p]};
    }
    memset(e->state.data, 0, (size_t)(memory - (unsigned char *)e->state.data));
}

/* The scored rows at the head: what it reads, and the targets. */
static float *scored_rows(const struct cril_engine *e)
{
    return e->kept_between_stages[cril_logits_input(e->m)].data;
}

static size_t scored_ld(const struct cril_engine *e)
{
    return e->plan.ld[cril_logits_input(e->m)];
}

/* Fills ids; true where a window wants shares. */
static bool gather_targets(struct cril_engine *e)
{
    const struct cril_row *rows = e->rows.data;
    int32_t *ids = e->ids.data;
    bool shares = false;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct cril_window *w = &e->windows[rows[i].sequence];
        ids[i] = w->targets[target_of(e, &rows[i])];
        shares = shares || w->shares;
    }
    return shares;
}

static cril_status check_damage(const struct cril_engine *e, cril_error *err)
{
    const char *damaged = atomic_load(&e->damaged);
    return damaged ? cril_fail_damaged(e->m->path, damaged, err) : CRIL_OK;
}

static cril_status not_finite(const struct cril_engine *e, const struct cril_row *row,
                              cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NUMERIC,
                     "%s: a logit is not finite after token %d at position %zu of a window; the "
                     "weights may be damaged",
                     e->m->path, (int)row->id, row->position);
}

/* Nats of this engine's scored rows, with more of their distributions. */
static cril_status score_in_detail(struct cril_engine *e, cril_error *err)
{
    gather_targets(e);
    if (!cril_memory_reserve(&e->details, e->n_rows, sizeof(cril_token_details)) ||
        !cril_vocabulary_take(&e->vocabulary, scored_rows(e), scored_ld(e), e->n_rows,
                              e->ids.data) ||
        !cril_details_nats(&e->details_head, e->nats.data, e->details.data))
        return no_memory(e, err);
    return check_damage(e, err);
}

/* Nats of this engine's scored rows. */
static cril_status score_alone(struct cril_engine *e, cril_error *err)
{
    if (e->windows[((const struct cril_row *)e->rows.data)->sequence].details)
        return score_in_detail(e, err);
    struct cril_shares *shares = gather_targets(e) ? e->shares.data : NULL;
    if (!cril_vocabulary_nats(&e->vocabulary, scored_rows(e), scored_ld(e), e->n_rows, e->ids.data,
                              e->nats.data, shares))
        return no_memory(e, err);
    return check_damage(e, err);
}

/* Nats of the scored rows, and how far the other engines are apart. */
static cril_status score_together(struct cril_engine *e, cril_error *err)
{
    cril_status st = CRIL_OK;
    gather_targets(e);
    if (!cril_memory_reserve(&e->apart, e->n_rows, e->n_others * sizeof(cril_divergence)))
        return no_memory(e, err);
    for (size_t i = 0; i < e->heads.n; i++) {
        struct cril_engine *of = i ? e->others[i - 1] : e;
        if (!cril_vocabulary_take(&of->vocabulary, scored_rows(of), scored_ld(of), e->n_rows,
                                  e->ids.data))
            return no_memory(of, err);
    }
    if (!cril_heads_compare(&e->heads, e->nats.data, e->apart.data))
        return no_memory(e, err);
    for (size_t i = 0; i < e->heads.n && st == CRIL_OK; i++)
        st = check_damage(i ? e->others[i - 1] : e, err);
    return st;
}

/* To where the windows want it. */
static cril_status hand_out(const struct cril_engine *e, cril_error *err)
{
    const struct cril_row *rows = e->rows.data;
    const double *nats = e->nats.data;
    const cril_divergence *apart = e->apart.data;
    for (size_t i = 0; i < e->n_rows; i++) {
        const struct cril_window *w = &e->windows[rows[i].sequence];
        const size_t at = (size_t)target_of(e, &rows[i]);
        if (!isfinite(nats[i]))
            return not_finite(e, &rows[i], err);
        w->nats[at] = nats[i];
        if (w->shares)
            w->shares[at] = ((const struct cril_shares *)e->shares.data)[i];
        if (w->details)
            w->details[at] = ((const cril_token_details *)e->details.data)[i];
        for (size_t m = 0; m < e->n_others; m++) {
            w->apart[at * e->n_others + m] = apart[i * e->n_others + m];
            if (!isfinite(apart[i * e->n_others + m].nats))
                return not_finite(e->others[m], &rows[i], err);
        }
    }
    return CRIL_OK;
}

/* The part of a pass that a model's layers are. */
struct part {
    cril_engine_poll poll;
    void *user;
    size_t model, models;
};

static int poll_part(void *user, double done)
{
    const struct part *p = user;
    return p->poll(p->user, ((double)p->model + done) / (double)p->models);
}

/* All windows up to the head. *n_scored: rows that it will read. */
static cril_status run_to_head(struct cril_engine *e, const struct cril_window *windows,
                               size_t n_windows, struct part *part, size_t *n_scored,
                               cril_error *err)
{
    const double start_sec = cril_clock_sec();
    e->windows = windows;
    e->n_windows = n_windows;
    cril_status st = place_windows(e, n_scored, err);
    if (st != CRIL_OK || !*n_scored)
        return st;
    if (!reserve_batch(e, *n_scored) || !take_rotations(e))
        return no_memory(e, err);
    lay_out(e);
    atomic_store(&e->damaged, NULL);
    cril_pool_run(e->pool, (e->n_rows + CRIL_ROWS - 1) / CRIL_ROWS, embed_task, e);
    if (e->bounded)
        release_embedding(e);
    st = run_layers(e, part->poll ? poll_part : NULL, part, err);
    leave_rotations(e, n_windows);
    e->seconds += cril_clock_sec() - start_sec;
    return st;
}

cril_status cril_engine_score(struct cril_engine *e, const struct cril_window *windows,
                              size_t n_windows, cril_engine_poll poll, void *user, cril_error *err)
{
    struct part part = {.poll = poll, .user = user, .models = 1 + e->n_others};
    size_t n_scored = 0;
    cril_status st = run_to_head(e, windows, n_windows, &part, &n_scored, err);
    if (st != CRIL_OK || !n_scored)
        return st;
    for (size_t i = 0; i < e->n_others && st == CRIL_OK; i++) {
        part.model = i + 1;
        st = run_to_head(e->others[i], windows, n_windows, &part, &n_scored, err);
    }
    if (st == CRIL_OK)
        st = e->n_others ? score_together(e, err) : score_alone(e, err);
    return st == CRIL_OK ? hand_out(e, err) : st;
}

cril_status cril_engine_compare(struct cril_engine *e, struct cril_engine *const *others, size_t n,
                                size_t columns, cril_error *err)
{
    e->others = calloc(n, sizeof(*e->others));
    e->heads.v = calloc(n + 1, sizeof(*e->heads.v));
    if (!e->others || !e->heads.v)
        return no_memory(e, err);
    e->n_others = n;
    e->heads.n = n + 1;
    e->heads.v[0] = &e->vocabulary;
    e->vocabulary.columns = columns;
    for (size_t i = 0; i < n; i++) {
        e->others[i] = others[i];
        e->heads.v[i + 1] = &others[i]->vocabulary;
        others[i]->vocabulary.columns = columns;
        if (others[i]->plan.rows < e->plan.rows)
            e->plan.rows = others[i]->plan.rows;
    }
    return CRIL_OK;
}

double cril_engine_seconds(const struct cril_engine *e)
{
    return e->seconds;
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
    s->activations = cril_activations_at(f, CRIL_ROWS, widest);
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
    e->n_states = cril_model_states(m, e->states);
    st = cril_plan_make(m, k, threads, options->memory, cril_memory_resident() + options->reserved,
                        options->rows, options->window, &e->plan, err);
    if (st != CRIL_OK || (st = cril_pool_create(threads, &e->pool, err)) != CRIL_OK) {
        cril_engine_free(e);
        return st;
    }
    e->vocabulary = (struct cril_vocabulary){.m = m,
                                             .k = k,
                                             .pool = e->pool,
                                             .columns = m->n_vocab,
                                             .release = e->bounded,
                                             .damaged = &e->damaged};
    e->details_head.v = &e->vocabulary;
    bool ok = (e->scratch = calloc(threads, sizeof(*e->scratch))) &&
              (e->first_entry = calloc(m->config.mixture.n_experts + 1, sizeof(size_t))) &&
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

size_t cril_engine_window_rows(size_t start, size_t n)
{
    return cril_plan_rows(start % CRIL_PANEL_COLUMNS + n);
}

void cril_engine_free(struct cril_engine *e)
{
    if (!e)
        return;
    struct cril_memory *const owned[] = {
        &e->rows,      &e->sequences, &e->state,   &e->ids,    &e->extents, &e->nats,   &e->shares,
        &e->panels[0], &e->panels[1], &e->entries, &e->tables, &e->apart,   &e->details};
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        free(owned[i]->data);
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++)
        free(e->kept_between_stages[b].data);
    for (size_t i = 0; e->scratch && i < cril_pool_threads(e->pool); i++) {
        free(e->scratch[i].across.data);
        free(e->scratch[i].memory.data);
    }
    cril_rotations_free(&e->rotations);
    cril_vocabulary_free(&e->vocabulary);
    cril_heads_free(&e->heads);
    cril_details_free(&e->details_head);
    free(e->heads.v);
    free(e->others);
    free(e->scratch);
    free(e->first_entry);
    cril_pool_free(e->pool);
    free(e);
}
