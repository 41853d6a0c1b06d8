#include "model/plan.h"

#include "model/logits.h"
#include "model/op.h"
#include "model/panels.h"
#include "util/fail.h"
#include "util/size.h"

#include <assert.h>

enum { SPARE = 1 << 19 }; /* by which what a process holds by itself differs between runs */

/* What a step's matrix takes at most, over the layers: in panels, in the file. */
struct step_bytes {
    size_t panels, file;
};

struct sizes {
    const cril_model *m;
    struct step_bytes step[CRIL_MAX_KINDS][CRIL_MAX_STAGES];
    size_t row;   /* of a row, besides what waits at cuts */
    size_t fixed; /* besides panels and the workers' own activations */
    size_t workers;
    size_t window; /* rows */
};

static bool add_matrix(const struct cril_kernels *k, const struct cril_matrix *t,
                       struct step_bytes *b)
{
    const size_t file = cril_matrix_bytes(t);
    size_t panels;
    if (!cril_packed_bytes(k, t, t->rows, &panels))
        return false;
    b->panels = panels > b->panels ? panels : b->panels;
    b->file = file > b->file ? file : b->file;
    return true;
}

static bool step_sizes(const cril_model *m, const struct cril_kernels *k, struct sizes *s)
{
    for (size_t l = 0; l < m->config.n_layers; l++) {
        const struct cril_steps *list = cril_layer_steps(m, l);
        for (size_t i = 0; i < list->n; i++) {
            const struct cril_step *step = &list->step[i];
            if (step->op->form != CRIL_BY_PRODUCT)
                continue;
            for (size_t x = 0; x < cril_step_matrices(m, l, step); x++)
                if (!add_matrix(k, cril_step_matrix(m, l, step, x), &s->step[m->layers[l].kind][i]))
                    return false;
        }
    }
    return true;
}

/* Of a position: what the states of a layer take, of the layer that takes most. A sequence has at
 * least a panel of positions. */
static size_t state_bytes(const cril_model *m)
{
    const struct cril_state *states[CRIL_MAX_STATES];
    const size_t n = cril_model_states(m, states);
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += cril_state_max_bytes(m, states[i], CRIL_PANEL_COLUMNS);
    return (bytes + CRIL_PANEL_COLUMNS - 1) / CRIL_PANEL_COLUMNS;
}

/* Rows and what does not depend on cuts. A row of the vocabulary's work: normed, in fp32 or as
 * integers, chunks, target, id, nats. */
static bool other_sizes(const cril_model *m, const struct cril_kernels *k, struct sizes *s)
{
    const struct cril_matrix *output = cril_logits_matrix(m);
    const struct cril_mixture *x = &m->config.mixture;
    const size_t d = output->columns;
    size_t chunk;
    if (!cril_packed_bytes(k, output, CRIL_CHUNK, &chunk))
        return false;
    s->row = state_bytes(m) + d * sizeof(float) + cril_chunks(m) * sizeof(struct cril_chunk) + 64 +
             x->n_used * sizeof(struct cril_entry) +
             (cril_model_depends_on_length(m) ? cril_rotations_bytes(m, 1) : 0);
    s->fixed = s->workers * (chunk + CRIL_CHUNK * output->row_bytes +
                             CRIL_ROWS * CRIL_CHUNK * sizeof(float) + /* logits */
                             cril_model_scratch(m, s->window) * sizeof(float)) +
               cril_rotations_bytes(m, s->window) + x->n_experts * sizeof(size_t);
    return true;
}

static bool reads(const struct cril_step *s, enum cril_buffer b)
{
    return s->in == b || (s->out == b && s->op->reads_out) || (s->op->reads & 1u << b);
}

/* Whether layers hand buffer b on: to the next one, to the head, from the embedding. */
static bool is_handed_on(const cril_model *m, enum cril_buffer b)
{
    const struct cril_steps *embedding = &m->family->embedding;
    return b == CRIL_BUF_X || b == cril_logits_input(m) ||
           b == embedding->step[embedding->n - 1].out;
}

/* Whether what buffer b holds before step `at` is needed from there on. */
static bool needed(const cril_model *m, const struct cril_steps *list, size_t at,
                   enum cril_buffer b)
{
    for (size_t i = at; i < list->n; i++) {
        if (reads(&list->step[i], b))
            return true;
        if (list->step[i].out == b)
            return false;
    }
    return is_handed_on(m, b);
}

/* Whether there is a cut before step i, whatever the memory. */
static bool must_cut(const struct cril_steps *list, size_t i)
{
    return i == 0 || list->step[i].op->form == CRIL_ACROSS_POSITIONS ||
           list->step[i].op->form == CRIL_TO_EXPERTS || list->step[i - 1].op->in_order ||
           list->step[i - 1].op->form == CRIL_FROM_EXPERTS;
}

/* Cuts layers of a kind where it must, and before a matrix whose panels would make a stage larger
 * than max_bytes. Raises *largest to the bytes of the largest stage, and sets *several to whether
 * that has several matrices between which it can be cut. */
static void cut_kind(const struct cril_steps *list, const struct step_bytes *step, size_t max_bytes,
                     struct cril_stages *out, size_t *largest, bool *several)
{
    size_t bytes = 0, matrices = 0;
    bool of_experts = false;
    out->n = 0;
    for (size_t i = 0; i < list->n; i++) {
        const bool matrix = list->step[i].op->form == CRIL_BY_PRODUCT;
        const bool full = bytes > max_bytes || step[i].panels > max_bytes - bytes;
        if (must_cut(list, i) || (matrix && matrices && full && !of_experts)) {
            out->cut[out->n++] = i;
            bytes = matrices = 0;
            of_experts = list->step[i].op->form == CRIL_TO_EXPERTS;
        }
        bytes += step[i].panels;
        matrices += matrix;
        if (bytes > *largest) {
            *largest = bytes;
            *several = matrices > 1 && !of_experts;
        }
    }
    out->cut[out->n] = list->n;
}

/* Cuts layers of all kinds. True: the largest stage can be cut. */
static bool cut(const struct sizes *s, size_t max_bytes, struct cril_plan *p)
{
    bool several = false;
    p->panel_bytes = 0;
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++)
        p->kept_between_stages[b] = is_handed_on(s->m, (enum cril_buffer)b);
    for (size_t kind = 0; kind < CRIL_MAX_KINDS; kind++) {
        const struct cril_steps *list = &s->m->family->layers[kind];
        struct cril_stages *stages = &p->stages[kind];
        if (!cril_model_has_kind(s->m, kind))
            continue;
        cut_kind(list, s->step[kind], max_bytes, stages, &p->panel_bytes, &several);
        for (size_t b = 0; b < CRIL_N_BUFFERS; b++)
            for (size_t i = 1; i < stages->n; i++)
                p->kept_between_stages[b] |=
                    needed(s->m, list, stages->cut[i], (enum cril_buffer)b);
    }
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) /* their rows are not those of the batch */
        assert(!p->kept_between_stages[b] || !cril_buffer_is_of_experts((enum cril_buffer)b));
    return several;
}

size_t cril_plan_worker_bytes(const struct cril_plan *p)
{
    size_t floats = 0, widest = 0;
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
        floats += p->kept_between_stages[b] ? 0 : p->ld[b];
        widest = p->ld[b] > widest ? p->ld[b] : widest;
    }
    return (CRIL_ROWS * floats + cril_activations_floats(CRIL_ROWS, widest)) * sizeof(float);
}

/* Everything but rows; and one row. */
static size_t base_bytes(const struct sizes *s, const struct cril_plan *p)
{
    size_t file = 0;
    for (size_t kind = 0; kind < CRIL_MAX_KINDS; kind++)
        for (size_t i = 0; i < s->m->family->layers[kind].n; i++)
            file = s->step[kind][i].file > file ? s->step[kind][i].file : file;
    return s->fixed + 2 * p->panel_bytes + 2 * file + s->workers * cril_plan_worker_bytes(p);
}

static size_t row_bytes(const struct sizes *s, const struct cril_plan *p)
{
    size_t bytes = s->row;
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++)
        bytes += p->kept_between_stages[b] ? p->ld[b] * sizeof(float) : 0;
    return bytes;
}

/* Among the ways to cut, the one with the most rows; the coarsest of equals. */
static cril_status fit(const struct sizes *s, size_t memory, size_t taken, size_t rows,
                       struct cril_plan *out, cril_error *err)
{
    struct cril_plan p = *out;
    size_t max_bytes = SIZE_MAX, min_need = SIZE_MAX, best = 0;
    bool finer = true;
    while (finer) {
        finer = cut(s, max_bytes, &p);
        const size_t base = taken + base_bytes(s, &p), row = row_bytes(s, &p),
                     need = base + row * s->window;
        const size_t fits =
            memory >= need ? (memory - base) / row / CRIL_PANEL_COLUMNS * CRIL_PANEL_COLUMNS : 0;
        p.rows = fits < rows ? fits : rows;
        min_need = need < min_need ? need : min_need;
        if (p.rows > best) {
            best = p.rows;
            *out = p;
        }
        max_bytes = p.panel_bytes - 1;
    }
    if (best)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: %zu MB of memory do not hold a window of %zu tokens and the largest "
                     "matrices; give %zu MB (--memory), "
                     "or a smaller context",
                     s->m->path, memory >> 20, s->window, ((min_need + SPARE) >> 20) + 1);
}

size_t cril_plan_width(size_t n)
{
    const size_t ld = cril_panels(n) * CRIL_PANEL_COLUMNS;
    return ld % 1024 ? ld : ld + CRIL_PANEL_COLUMNS;
}

static void mark_used(const struct cril_steps *list, bool used[CRIL_N_BUFFERS])
{
    for (size_t i = 0; i < list->n; i++) {
        used[list->step[i].in] = used[list->step[i].out] = true;
        for (size_t b = 0; b < CRIL_N_BUFFERS; b++)
            used[b] |= (list->step[i].op->reads & 1u << b) != 0;
    }
}

void cril_plan_widths(const cril_model *m, size_t ld[CRIL_N_BUFFERS])
{
    bool used[CRIL_N_BUFFERS] = {false};
    mark_used(&m->family->embedding, used);
    mark_used(&m->family->head, used);
    for (size_t l = 0; l < m->config.n_layers; l++)
        mark_used(cril_layer_steps(m, l), used);
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
        size_t max = 0;
        for (size_t l = 0; used[b] && l < m->config.n_layers; l++) {
            const size_t width = cril_buffer_width(m, l, (enum cril_buffer)b);
            max = width > max ? width : max;
        }
        ld[b] = max ? cril_plan_width(max) : 0;
    }
}

cril_status cril_plan_make(const cril_model *m, const struct cril_kernels *k, unsigned threads,
                           size_t memory, size_t taken, size_t rows, size_t window,
                           struct cril_plan *out, cril_error *err)
{
    struct sizes s = {.m = m, .workers = threads, .window = cril_plan_rows(window)};
    for (size_t kind = 0; kind < CRIL_MAX_KINDS; kind++)
        assert(m->family->layers[kind].n <= CRIL_MAX_STAGES); /* at most a stage each */
    *out = (struct cril_plan){0};
    cril_plan_widths(m, out->ld);
    if (!step_sizes(m, k, &s) || !other_sizes(m, k, &s))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    rows = cril_plan_rows(rows ? rows : CRIL_DEFAULT_ROWS);
    if (memory)
        return fit(&s, memory, taken, rows, out, err);
    cut(&s, SIZE_MAX, out);
    out->rows = rows;
    return CRIL_OK;
}
