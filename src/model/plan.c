#include "model/plan.h"

#include "model/attention.h"
#include "model/packing.h"
#include "util/fail.h"
#include "util/size.h"

#include <assert.h>

enum { DEFAULT_ROWS = 8192 }; /* packing is then 1 to 2 % of the work */

/* What a step's matrix takes at most, over the layers: in panels, in the file. */
struct step_bytes {
    size_t panels, file;
};

struct sizes {
    const cril_model *m;
    struct step_bytes step[CRIL_MAX_STAGES];
    size_t row;   /* of a row, besides what waits at cuts */
    size_t fixed; /* besides panels and the workers' own activations */
    size_t workers;
    size_t window; /* rows */
};

static bool step_sizes(const cril_model *m, const struct cril_kernels *k, struct sizes *s)
{
    for (size_t i = 0; i < m->family->n_steps; i++)
        for (size_t l = 0; l < m->config.n_layers; l++) {
            const struct cril_matrix *t = &m->layers[l].matrix[m->family->steps[i].w];
            struct step_bytes *b = &s->step[i];
            size_t panels;
            if (!cril_matrix_is_set(t) || m->family->steps[i].op != CRIL_OP_MATMUL)
                continue;
            if (!cril_packed_bytes(k, t, t->rows, &panels))
                return false;
            b->panels = panels > b->panels ? panels : b->panels;
            b->file = cril_matrix_bytes(t) > b->file ? cril_matrix_bytes(t) : b->file;
        }
    return true;
}

/* Rows and what does not depend on cuts. A row of the vocabulary's work: normed, in fp32 or as
 * integers, chunks, target, id, nats. */
static bool other_sizes(const cril_model *m, const struct cril_kernels *k, struct sizes *s)
{
    const struct cril_config *c = &m->config;
    const size_t d = c->n_embd, chunks = (m->n_vocab + CRIL_CHUNK - 1) / CRIL_CHUNK;
    const size_t vocabulary_row = m->output.row_bytes;
    size_t chunk;
    if (!cril_packed_bytes(k, &m->output, CRIL_CHUNK, &chunk))
        return false;
    s->row = (cril_kv_k_floats(c, 1) + cril_kv_v_floats(c, 1)) * sizeof(float) + d * sizeof(float) +
             chunks * 8 + 64;
    s->fixed = s->workers * (chunk + CRIL_CHUNK * vocabulary_row +
                             CRIL_ROWS * CRIL_CHUNK * sizeof(float) + /* logits */
                             cril_attend_scratch(c, s->window) * sizeof(float)) +
               s->window * 4 * (c->head_dim / 2 + 1) * sizeof(float);
    return true;
}

static bool reads(const struct cril_step *s, enum cril_buffer b)
{
    return s->in == b || (s->out == b && (s->op == CRIL_OP_ADD || s->op == CRIL_OP_SILU_MUL ||
                                          s->op == CRIL_OP_GELU_MUL));
}

/* Whether what buffer b holds before step `at` is needed from there on. Keys and values are, up to
 * attention. */
static bool needed(const struct cril_family *f, size_t at, enum cril_buffer b)
{
    for (size_t i = at; i < f->n_steps; i++) {
        const struct cril_step *s = &f->steps[i];
        if (reads(s, b) ||
            (s->op == CRIL_OP_ATTEND && i > at && (b == CRIL_BUF_K || b == CRIL_BUF_V)))
            return true;
        if (s->out == b)
            return false;
    }
    return b == CRIL_BUF_X;
}

/* Cuts at attention, and before a matrix whose panels would make a stage larger than max_bytes.
 * True: a stage has several matrices. */
static bool cut(const struct sizes *s, size_t max_bytes, struct cril_plan *p)
{
    const struct cril_family *f = s->m->family;
    size_t bytes = 0, matrices = 0, max_matrices = 0;
    p->n_stages = p->panel_bytes = 0;
    for (size_t i = 0; i < f->n_steps; i++) {
        const bool matrix = f->steps[i].op == CRIL_OP_MATMUL;
        const bool full = bytes > max_bytes || s->step[i].panels > max_bytes - bytes;
        if (i == 0 || f->steps[i].op == CRIL_OP_ATTEND || (matrix && matrices && full)) {
            p->cut[p->n_stages++] = i;
            bytes = matrices = 0;
        }
        bytes += s->step[i].panels;
        matrices += matrix;
        if (bytes > p->panel_bytes) {
            p->panel_bytes = bytes;
            max_matrices = matrices;
        }
    }
    p->cut[p->n_stages] = f->n_steps;
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
        p->kept_between_stages[b] = b == CRIL_BUF_X;
        for (size_t i = 1; i < p->n_stages; i++)
            p->kept_between_stages[b] |= needed(f, p->cut[i], (enum cril_buffer)b);
    }
    return max_matrices > 1;
}

size_t cril_plan_worker_bytes(const struct cril_plan *p)
{
    size_t floats = 0, widest = 0;
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
        floats += p->kept_between_stages[b] ? 0 : p->ld[b];
        widest = p->ld[b] > widest ? p->ld[b] : widest;
    }
    return CRIL_ROWS * (floats * sizeof(float) + widest * sizeof(int16_t) +
                        widest / CRIL_ACTIVATION_BLOCK * 4 * sizeof(float));
}

/* Everything but rows; and one row. */
static size_t base_bytes(const struct sizes *s, const struct cril_plan *p)
{
    size_t file = 0;
    for (size_t i = 0; i < s->m->family->n_steps; i++)
        file = s->step[i].file > file ? s->step[i].file : file;
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
                     s->m->path, memory >> 20, s->window, (min_need >> 20) + 1);
}

size_t cril_plan_width(size_t n)
{
    const size_t ld = cril_panels(n) * CRIL_PANEL_COLUMNS;
    return ld % 1024 ? ld : ld + CRIL_PANEL_COLUMNS;
}

cril_status cril_plan_make(const cril_model *m, const struct cril_kernels *k, unsigned threads,
                           size_t memory, size_t taken, size_t rows, size_t window,
                           struct cril_plan *out, cril_error *err)
{
    struct sizes s = {.m = m, .workers = threads, .window = cril_plan_rows(window)};
    assert(m->family->n_steps <= CRIL_MAX_STAGES); /* at most a stage each */
    *out = (struct cril_plan){0};
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++)
        out->ld[b] = cril_plan_width(cril_buffer_width(&m->config, (enum cril_buffer)b));
    if (!step_sizes(m, k, &s) || !other_sizes(m, k, &s))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    rows = cril_plan_rows(rows ? rows : DEFAULT_ROWS);
    if (memory)
        return fit(&s, memory, taken, rows, out, err);
    cut(&s, SIZE_MAX, out);
    out->rows = rows;
    return CRIL_OK;
}
