/* What a decoder is made of: phases, memory for states and activations, matrices as panels. */
#include "model/decoder_parts.h"

#include "util/fail.h"
#include "util/size.h"

#include <stdlib.h>
#include <string.h>

static bool needs_rows(enum cril_form form)
{
    return form == CRIL_BY_PRODUCT || form == CRIL_ACROSS_POSITIONS;
}

static bool takes_rows(enum cril_form form)
{
    return form == CRIL_BY_ROWS || form == CRIL_TO_EXPERTS;
}

/* Products that read the same rows go together; rows come before products and what goes across
 * positions, to be quantised. */
static void find_phases(const struct cril_steps *list, struct phases *p)
{
    bool of_experts = false;
    for (size_t i = 0; i < list->n; i++) {
        const enum cril_form form = list->step[i].op->form;
        struct phase *last = p->n ? &p->phase[p->n - 1] : NULL;
        of_experts = (of_experts || form == CRIL_TO_EXPERTS) && form != CRIL_FROM_EXPERTS;
        if (last && last->form == form &&
            (form == CRIL_BY_ROWS ||
             (form == CRIL_BY_PRODUCT && list->step[last->from].in == list->step[i].in))) {
            last->to = i + 1;
            continue;
        }
        if (needs_rows(form) && (!last || !takes_rows(last->form)))
            p->phase[p->n++] = (struct phase){CRIL_BY_ROWS, i, i, of_experts};
        p->phase[p->n++] = (struct phase){form, i, i + 1, of_experts};
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

/* How many matrices a step multiplies by. */
static size_t matrices_of(const cril_model *m, size_t l, const struct cril_step *step)
{
    return step->op->form == CRIL_BY_PRODUCT ? cril_step_matrices(m, l, step) : 0;
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

/* The matrices of a layer as panels: those of expert x, and with the first all that are of none. */
static void pack_expert(struct cril_decoder *d, size_t l, size_t x, bool release,
                        unsigned char **memory)
{
    const struct cril_steps *list = list_of(d->m, l);
    struct pack_job job = {.d = d};
    for (size_t i = 0; i < list->n; i++) {
        const struct cril_step *step = &list->step[i];
        struct cril_packed *w = packed_of(d, l, step, x);
        if (x >= matrices_of(d->m, l, step))
            continue;
        cril_packing_add(&job.packing, d->k, cril_step_matrix(d->m, l, step, x), memory, w);
        w->prefetch_panels = cril_pool_threads(d->pool); /* they take panels by turns */
    }
    cril_pool_run(d->pool, job.packing.n_panels, pack_task, &job);
    if (release)
        cril_packing_release(&job.packing);
}

static void pack_layer(struct cril_decoder *d, size_t l, bool release)
{
    const size_t n = d->m->config.mixture.n_experts;
    unsigned char *memory = d->packed[l].panels.data;
    for (size_t x = 0; x < (n ? n : 1); x++)
        pack_expert(d, l, x, release, &memory);
}

/* Bytes of a layer's panels. False: beyond this machine's addresses. */
static bool layer_bytes(const struct cril_decoder *d, size_t l, size_t *total)
{
    const struct cril_steps *list = list_of(d->m, l);
    *total = 0;
    for (size_t i = 0; i < list->n; i++)
        for (size_t x = 0; x < matrices_of(d->m, l, &list->step[i]); x++) {
            const struct cril_matrix *t = cril_step_matrix(d->m, l, &list->step[i], x);
            size_t bytes;
            if (!cril_packed_bytes(d->k, t, t->rows, &bytes) ||
                !cril_size_add(*total, bytes, total))
                return false;
        }
    return true;
}

/* Of a stream, whose length may need rotations of its own. */
static size_t stream_bytes(const struct cril_decoder *d)
{
    return (d->stream_bytes ? d->stream_bytes : 1) +
           (cril_model_depends_on_length(d->m) ? cril_rotations_bytes(d->m, d->context) : 0);
}

/* Bytes that the process may hold, those that it holds, and those that it may take. */
struct budget {
    size_t all, taken, left;
};

static struct budget budget_of(size_t memory)
{
    const size_t taken = memory ? cril_memory_resident() : 0,
                 all = memory ? memory : cril_memory_physical() / 4 * 3;
    return (struct budget){.all = all, .taken = taken, .left = all > taken ? all - taken : 0};
}

/* Whether memory holds all streams, where all are asked for. */
static cril_status check_streams(const struct cril_decoder *d, const struct cril_decoder_options *o,
                                 struct budget b, cril_error *err)
{
    size_t need;
    if (!o->all_streams || b.left / stream_bytes(d) >= d->n_streams)
        return CRIL_OK;
    if (!cril_size_mul(d->n_streams, stream_bytes(d), &need) ||
        !cril_size_add(need, b.taken, &need))
        need = SIZE_MAX;
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: %zu MB of memory do not hold %zu streams of %zu tokens; give %zu MB "
                     "(--memory), or ask for fewer streams (--streams)",
                     d->m->path, b.all >> 20, d->n_streams, d->context, (need >> 20) + 1);
}

/* Sets out how many streams there are and which layers stay in memory as panels. */
static bool share_memory(struct cril_decoder *d, bool all_streams, size_t left, bool *keep)
{
    const size_t stream = stream_bytes(d);
    if (!all_streams && left / 2 / stream < d->n_streams)
        d->n_streams = left / 2 / stream ? left / 2 / stream : 1;
    left = left / stream > d->n_streams ? left - d->n_streams * stream : 0;
    for (size_t l = 0; l <= d->m->config.n_layers; l++) {
        size_t total;
        if (!layer_bytes(d, l, &total))
            return false;
        keep[l] = total <= left && cril_memory_reserve(&d->packed[l].panels, total, 1);
        left -= keep[l] ? total : 0;
    }
    return true;
}

/* Rows of a piece that a buffer holds, or entries. */
static size_t buffer_rows(const struct cril_decoder *d, enum cril_buffer b)
{
    return cril_buffer_is_of_experts(b) ? CRIL_ROWS * d->m->config.mixture.n_used : CRIL_ROWS;
}

/* Activations of a piece, in one go. */
static bool create_buffers(struct cril_decoder *d)
{
    const size_t k = cril_logits_matrix(d->m)->columns, n_used = d->m->config.mixture.n_used,
                 rows = CRIL_ROWS * (n_used ? n_used : 1);
    size_t floats = 0, widest = 0;
    cril_plan_widths(d->m, d->ld);
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
        floats += buffer_rows(d, (enum cril_buffer)b) * d->ld[b];
        widest = d->ld[b] > widest ? d->ld[b] : widest;
    }
    const size_t quantised = cril_activations_floats(rows, widest),
                 outputs = CRIL_ROWS * k + cril_activations_floats(CRIL_ROWS, k);
    if (!cril_memory_reserve(&d->memory, floats + quantised + outputs, sizeof(float)))
        return false;
    float *f = d->memory.data;
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++) {
        d->buffers[b] = f;
        f += buffer_rows(d, (enum cril_buffer)b) * d->ld[b];
    }
    d->activations = cril_activations_at(f, rows, widest);
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
            const struct cril_step *step = &list_of(d->m, l)->step[s];
            for (size_t x = 0; x < matrices_of(d->m, l, step); x++)
                if (cril_packed_bytes(d->k, cril_step_matrix(d->m, l, step, x), CRIL_PANEL_COLUMNS,
                                      &bytes) &&
                    bytes > panel)
                    panel = bytes;
        }
    for (size_t i = 0; i < cril_pool_threads(d->pool); i++)
        if (!cril_memory_reserve(&d->scratch[i].across, across, sizeof(float)) ||
            !cril_memory_reserve(&d->scratch[i].panel, panel, 1))
            return false;
    return true;
}

/* What sorts rows by expert, and the experts' matrices, none of them as panels yet. */
static bool create_experts(struct cril_decoder *d)
{
    const struct cril_mixture *x = &d->m->config.mixture;
    bool ok = (d->entries = calloc(CRIL_ROWS * x->n_used + 1, sizeof(*d->entries))) &&
              (d->first_entry = calloc(x->n_experts + 1, sizeof(*d->first_entry)));
    for (size_t l = 0; l < d->m->config.n_layers; l++)
        for (size_t s = 0; s < CRIL_N_SLOTS && ok; s++)
            ok = !d->m->layers[l].experts[s] ||
                 (d->packed[l].experts[s] = calloc(x->n_experts, sizeof(*d->packed[l].experts[s])));
    return ok;
}

/* What a call leaves, and its counters. */
static bool create_results(struct cril_decoder *d, const struct cril_decoder_options *o)
{
    const size_t n_chunks = cril_chunks(d->m);
    d->n_next = 1;
    for (size_t l = 0; l < d->m->config.n_layers; l++)
        d->n_next += d->phases[d->m->layers[l].kind].n;
    d->chunks = calloc(d->n_streams, n_chunks * sizeof(*d->chunks));
    d->weights = calloc(d->n_streams, n_chunks * sizeof(*d->weights));
    d->sums = calloc(d->n_streams, sizeof(*d->sums));
    d->maxima = calloc(d->n_streams, sizeof(*d->maxima));
    d->next = calloc(d->n_next, sizeof(*d->next));
    if (o->best && !(d->best = calloc(d->n_streams, n_chunks * sizeof(*d->best))))
        return false;
    if (o->logits &&
        !(d->logits = calloc(d->n_streams, n_chunks * CRIL_CHUNK * sizeof(*d->logits))))
        return false;
    return d->chunks && d->weights && d->sums && d->maxima && d->next &&
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
    bool *keep = calloc(n_layers + 1, sizeof(*keep));
    const struct budget budget = budget_of(o->memory);
    bool ok = d->scratch && d->packed && keep && place_states(d) && create_experts(d);
    if (ok && (st = check_streams(d, o, budget, err)) != CRIL_OK) {
        free(keep);
        return st;
    }
    ok = ok && share_memory(d, o->all_streams, budget.left, keep) && create_buffers(d) &&
         create_scratch(d) && create_results(d, o) && create_streams(d);
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
    for (size_t l = 0; d->packed && l <= d->m->config.n_layers; l++) {
        for (size_t s = 0; s < CRIL_N_SLOTS; s++)
            free(d->packed[l].experts[s]);
        free(d->packed[l].panels.data);
    }
    cril_rotations_free(&d->rotations);
    free(d->scratch);
    free(d->streams);
    free(d->sequences);
    free(d->state_at);
    free(d->packed);
    free(d->entries);
    free(d->first_entry);
    free(d->memory.data);
    free(d->next);
    free(d->values.data);
    free(d->chunks);
    free(d->weights);
    free(d->sums);
    free(d->maxima);
    free(d->logits);
    free(d->best);
    cril_pool_free(d->pool);
    free(d);
}
