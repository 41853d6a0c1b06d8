/*
 * A piece of up to CRIL_ROWS rows goes through all layers in one run of the pool. A layer's steps
 * are grouped into phases: steps by rows, products that read the same rows, operations across
 * positions. All threads walk through the phases together and share each phase's work, with a
 * barrier in between: rows are few here, so the columns of the matrices are what is shared. From
 * the choice of experts to the sum of what they give, phases work on entries instead: rows by the
 * experts that they chose. Panels are packed once, when the decoder is created, since a call reads
 * every weight for a handful of rows.
 */
#include "model/decoder_parts.h"

#include "model/experts.h"
#include "util/fail.h"

#include <math.h>

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

/* Entry i of the experts at work. Buffers of rows have all of them. */
static struct cril_block entry_of(const struct cril_decoder *d, size_t i)
{
    struct cril_block b = block_of(d, 0, 1);
    for (size_t k = 0; k < CRIL_N_BUFFERS; k++)
        if (cril_buffer_is_of_experts((enum cril_buffer)k))
            b.buffer[k] += i * d->ld[k];
    b.entries = d->entries + i;
    return b;
}

/* ---- Products ---- */

/* Panel p of a matrix times rows [row, row + m), to its columns of c. */
static void multiply_panel(struct cril_decoder *d, struct scratch *own, const struct cril_matrix *t,
                           const struct cril_packed *packed, size_t p, const float *a, size_t lda,
                           const struct cril_activations *activations, size_t row, size_t m,
                           float *c, size_t ldc)
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
    cril_packed_multiply_panel(d->k, packed, p, a, lda, activations, row, m, c + row * ldc + first,
                               ldc);
}

/* The products that follow, of the expert where they are of experts, read row or entry r of the
 * buffer `in`: where a matrix holds integers, they read it as such. */
static void quantise_row(const struct place *at, const struct phase *products, size_t expert,
                         size_t r)
{
    const struct cril_decoder *d = at->d;
    for (size_t i = products->from; i < products->to; i++) {
        const struct cril_step *step = &steps_of(at)[i];
        const struct cril_matrix *t = cril_step_matrix(d->m, at->layer, step, expert);
        if (!cril_matrix_has_integers(t))
            continue;
        struct cril_activations activations = d->activations;
        activations.k = t->columns;
        d->k->quantise(d->buffers[step->in] + r * d->ld[step->in], &activations, r);
        return;
    }
}

/* A matrix of a phase, and the rows or entries [row, row + m) that it takes. */
struct product {
    size_t step, expert, row, m;
};

static void take_rows(const struct cril_decoder *d, bool of_experts, struct product *p)
{
    p->row = of_experts ? d->first_entry[p->expert] : 0;
    p->m = of_experts ? d->first_entry[p->expert + 1] - p->row : d->n_rows;
}

/* The first matrix of the phase, or the next one. */
static struct product first_product(const struct cril_decoder *d, const struct phase *p)
{
    struct product first = {.step = p->from};
    take_rows(d, p->of_experts, &first);
    return first;
}

static struct product next_product(const struct cril_decoder *d, const struct phase *p,
                                   struct product last)
{
    const bool same = p->of_experts && last.expert + 1 < d->m->config.mixture.n_experts;
    struct product next = {.step = last.step + !same, .expert = same ? last.expert + 1 : 0};
    take_rows(d, p->of_experts, &next);
    return next;
}

/* No expert without rows has panels to be multiplied. */
static size_t product_panels(const struct place *at, const struct product *p)
{
    const struct cril_step *step = &steps_of(at)[p->step];
    return p->m ? cril_panels(cril_step_matrix(at->d->m, at->layer, step, p->expert)->rows) : 0;
}

static void run_panel(const struct place *at, const struct product *p, size_t panel)
{
    struct cril_decoder *d = at->d;
    const struct cril_step *step = &steps_of(at)[p->step];
    const struct cril_matrix *t = cril_step_matrix(d->m, at->layer, step, p->expert);
    struct cril_activations activations = d->activations;
    activations.k = t->columns;
    multiply_panel(d, at->own, t, packed_of(d, at->layer, step, p->expert), panel,
                   d->buffers[step->in], d->ld[step->in], &activations, p->row, p->m,
                   d->buffers[step->out], d->ld[step->out]);
}

/* Panels of all matrices of the phase, whichever thread is free. */
static void run_products(const struct place *at, const struct phase *p)
{
    struct product product = first_product(at->d, p);
    size_t before = 0, unit;
    while ((unit = take(at->next)), true) {
        for (size_t n; unit - before >= (n = product_panels(at, &product));) {
            before += n;
            product = next_product(at->d, p, product);
            if (product.step == p->to)
                return;
        }
        run_panel(at, &product, unit - before);
    }
}

/* ---- Rows ---- */

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
            quantise_row(at, then, 0, r);
    }
}

/* ---- Experts ---- */

/* Every rank has entries of its own. */
static void run_entries(const struct place *at, const struct phase *p, const struct phase *then)
{
    const struct cril_decoder *d = at->d;
    const size_t threads = cril_pool_threads(d->pool);
    size_t expert = 0;
    for (size_t e = at->rank; e < d->first_entry[d->m->config.mixture.n_experts]; e += threads) {
        const struct cril_block b = entry_of(d, e);
        while (e >= d->first_entry[expert + 1])
            expert++;
        for (size_t i = p->from; i < p->to; i++) {
            const struct cril_pass pass = pass_of(at, &steps_of(at)[i]);
            pass.step->op->rows(&pass, &b);
        }
        if (then->form == CRIL_BY_PRODUCT)
            quantise_row(at, then, expert, e);
    }
}

static void to_experts(const struct place *at, const struct phase *p, const struct phase *then)
{
    struct cril_decoder *d = at->d;
    if (at->rank == 0)
        cril_sort_by_expert(&d->m->config.mixture, d->buffers[CRIL_BUF_C], d->ld[CRIL_BUF_C],
                            d->n_rows, d->entries, d->first_entry);
    cril_barrier_wait(&d->barrier);
    run_entries(at, p, then);
}

/* Every rank has rows of its own, whose experts follow each other. */
static void from_experts(const struct place *at, const struct phase *p)
{
    const struct cril_decoder *d = at->d;
    const struct cril_pass pass = pass_of(at, &steps_of(at)[p->from]);
    const size_t threads = cril_pool_threads(d->pool);
    for (size_t e = 0; e < d->first_entry[d->m->config.mixture.n_experts]; e++) {
        const struct cril_block b = entry_of(d, e);
        if (d->entries[e].row % threads == at->rank)
            pass.step->op->rows(&pass, &b);
    }
}

/* ---- Across positions ---- */

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
        packed_of(d, d->m->config.n_layers, cril_logits_product(d->m), 0);
    float *values = (float *)d->values.data + d->first_output * ld;
    size_t c;
    while ((c = take(at->next)) < n_chunks) {
        const size_t first = c * CRIL_CHUNK, n = cril_chunk_columns(d->m, c);
        for (size_t p = 0; p < cril_panels(n); p++)
            multiply_panel(d, at->own, t, packed, first / CRIL_PANEL_COLUMNS + p, d->outputs,
                           t->columns, &d->quantised_outputs, 0, d->n_outputs, values, ld);
        cril_logits_finish(d->m, d->k, c, values + first, ld, d->n_outputs);
        for (size_t i = 0; i < d->n_outputs; i++) {
            const size_t chunk = (d->first_output + i) * n_chunks + c;
            if (d->best)
                d->best[chunk] = cril_logits_best(values + i * ld + first, n);
            if (d->logits)
                memcpy(d->logits + (d->first_output + i) * ld + first, values + i * ld + first,
                       n * sizeof(*values));
            d->chunks[chunk] = cril_logits_sum(d->k, values + i * ld + first, n);
        }
    }
}

/* ---- A piece ---- */

static void run_phase(const struct place *at, const struct phase *p, const struct phase *then)
{
    switch (p->form) {
    case CRIL_BY_ROWS: p->of_experts ? run_entries(at, p, then) : run_rows(at, p, then); break;
    case CRIL_BY_PRODUCT: run_products(at, p); break;
    case CRIL_ACROSS_POSITIONS: run_across(at, p); break;
    case CRIL_TO_EXPERTS: to_experts(at, p, then); break;
    case CRIL_FROM_EXPERTS: from_experts(at, p); break;
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

static cril_status not_finite(const struct cril_decoder *d, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NUMERIC, "%s: a logit is not finite; the weights may be damaged",
                     d->m->path);
}

static cril_status finish(struct cril_decoder *d, size_t n, cril_error *err)
{
    const size_t n_chunks = cril_chunks(d->m);
    const char *damaged = atomic_load(&d->damaged);
    if (damaged)
        return cril_fail_damaged(d->m->path, damaged, err);
    for (size_t i = 0; i < n; i++) {
        d->sums[i] = cril_join_chunks(d->chunks + i * n_chunks, n_chunks, 1, &d->maxima[i],
                                      d->weights + i * n_chunks);
        if (!isfinite(d->sums[i]))
            return not_finite(d, err);
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

cril_status cril_decoder_best(const struct cril_decoder *d, size_t i, int32_t *id, cril_error *err)
{
    const size_t n_chunks = cril_chunks(d->m);
    const struct cril_chunk *const chunks = d->chunks + i * n_chunks;
    const int32_t *const best = d->best + i * n_chunks;
    size_t top = 0;
    for (size_t c = 0; c < n_chunks; c++) {
        if (best[c] < 0)
            return not_finite(d, err);
        if (chunks[c].max > chunks[top].max)
            top = c;
    }
    *id = (int32_t)(top * CRIL_CHUNK) + best[top];
    return CRIL_OK;
}

struct cril_logits cril_decoder_logits(const struct cril_decoder *d, size_t i)
{
    return (struct cril_logits){.values = d->logits + i * cril_chunks(d->m) * CRIL_CHUNK,
                                .max = d->maxima[i],
                                .sum = d->sums[i],
                                .n = d->m->n_vocab};
}
