/*
 * mixture [REPEATS]: tokens a second of a mixture of experts (a layer, d 1024, 8 experts of 3584,
 * of which a token takes 2) and of a dense model with the same multiply-adds, in one batch of 8,192
 * rows, for each of two types of weights. The repeats (3) of everything alternate, so that all see
 * the same machine; each figure is a median, and so is the share: the mixture's speed over the
 * dense model's of the same repeat. CSV.
 */
#include "peak.h"

#include "model/engine.h"
#include "model/family.h"
#include "model/op.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_REPEATS = 100,
    LAYERS = 1,
    D = 1024,
    HEADS = 16,
    KV_HEADS = 4,
    EXPERTS = 8,
    USED = 2,
    FF = 3584,
    VOCABULARY = 512,
    WINDOWS = 8,
    TOKENS = 1024, /* of a window */
    DENSE = 0,
    MIXTURE = 1
};

static const enum cril_dtype types[] = {CRIL_F16, CRIL_Q8_0};
static const char *const names[] = {[DENSE] = "dense", [MIXTURE] = "mixture"};

enum { N_TYPES = sizeof(types) / sizeof(*types), N_MODELS = 2 };

static void *allocate(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p) {
        fputs("mixture: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static uint32_t noise(void)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return state >> 16;
}

/* A matrix of small finite numbers. */
static struct cril_matrix make_matrix(enum cril_dtype type, size_t in, size_t out)
{
    const struct cril_dtype_info *info = &cril_dtypes[type];
    const size_t row = in / info->block_len * info->block_bytes;
    uint16_t *data = allocate(out, row);
    for (size_t i = 0; i < out * row / 2; i++) {
        data[i] = (uint16_t)noise();
        if (type == CRIL_F16)
            data[i] = (uint16_t)((data[i] & 0x83ff) | 0x2400); /* 2^-6 and above */
        else if (i % (info->block_bytes / 2) == 0)
            data[i] = 0x1000; /* the block's scale, 2^-11 */
    }
    return (struct cril_matrix){.name = "weights",
                                .type = type,
                                .data = (const uint8_t *)data,
                                .rows = out,
                                .columns = in,
                                .row_bytes = row,
                                .count = 1};
}

static void fill(float *v, size_t n, float x)
{
    for (size_t i = 0; i < n; i++)
        v[i] = x;
}

static void add_weights(cril_model *m, struct cril_layer *l, const struct cril_steps *list,
                        enum cril_dtype type)
{
    const size_t layer = (size_t)(l - m->layers);
    for (const struct cril_step *s = list->step; s < list->step + list->n; s++) {
        const size_t in = cril_buffer_width(m, layer, s->in),
                     out = cril_buffer_width(m, layer, s->out);
        const bool of_experts = s->in == CRIL_BUF_XN || s->in == CRIL_BUF_XG;
        if (s->op == &cril_op_norm)
            fill(l->vector[s->w] = allocate(out, sizeof(float)), out, 1);
        if (s->op->form != CRIL_BY_PRODUCT)
            continue;
        if (of_experts)
            l->experts[s->w] = allocate(EXPERTS, sizeof(struct cril_matrix));
        for (size_t i = 0; of_experts && i < EXPERTS; i++)
            l->experts[s->w][i] = make_matrix(type, in, out);
        l->matrix[s->w] = of_experts ? l->experts[s->w][0] : make_matrix(type, in, out);
    }
}

/* Neither models nor their weights are freed. */
static cril_model *make_model(unsigned kind, enum cril_dtype type)
{
    static char path[] = "model";
    cril_model *m = allocate(1, sizeof(*m));
    m->path = path;
    m->family = &cril_family_llama;
    m->layers = allocate(LAYERS + 1, sizeof(*m->layers));
    m->config = (struct cril_config){.n_layers = LAYERS,
                                     .n_embd = D,
                                     .n_embd_ends = D,
                                     .n_heads = HEADS,
                                     .n_kv_heads = KV_HEADS,
                                     .head_dim = D / HEADS,
                                     .n_ff = USED * FF,
                                     .n_ctx = TOKENS,
                                     .eps = 1e-5f,
                                     .attention_scale = 1 / sqrtf(D / HEADS),
                                     .embedding_scale = 1};
    if (kind == MIXTURE)
        m->config.mixture = (struct cril_mixture){
            .n_experts = EXPERTS, .n_used = USED, .n_ff = FF, .normed = true, .factor = 1};
    m->n_vocab = VOCABULARY;
    cril_model_equal_layers(m);
    m->rope[0] = (struct cril_rope){.n_rot = D / HEADS, .magnitude = 1};
    if (cril_rope_plain(10000, &m->rope[0], m->path, NULL) != CRIL_OK)
        exit(1);
    m->layers[0].kind = kind;
    add_weights(m, &m->layers[0], cril_layer_steps(m, 0), type);
    add_weights(m, cril_model_ends(m), &m->family->head, type);
    cril_model_ends(m)->matrix[CRIL_W_EMBEDDING] = make_matrix(type, D, VOCABULARY);
    return m;
}

static struct cril_engine *make_engine(const cril_model *m)
{
    const struct cril_engine_options o = {.rows = WINDOWS * TOKENS, .window = TOKENS};
    struct cril_engine *e;
    cril_error err;
    if (cril_engine_create(m, cril_kernels(), &o, &e, &err) != CRIL_OK) {
        fprintf(stderr, "mixture: %s\n", err.message);
        exit(1);
    }
    return e;
}

/* Tokens a second. */
static double speed(struct cril_engine *e)
{
    static int32_t ids[TOKENS + 1];
    static double nats[WINDOWS][TOKENS];
    struct cril_window w[WINDOWS];
    cril_error err;
    for (size_t i = 0; i <= TOKENS; i++)
        ids[i] = (int32_t)(noise() % VOCABULARY);
    for (size_t i = 0; i < WINDOWS; i++)
        w[i] = (struct cril_window){.ids = ids, .n = TOKENS, .targets = ids + 1, .nats = nats[i]};
    const double start = cril_bench_now();
    if (cril_engine_score(e, w, WINDOWS, NULL, NULL, &err) != CRIL_OK) {
        fprintf(stderr, "mixture: %s\n", err.message);
        exit(1);
    }
    return WINDOWS * TOKENS / (cril_bench_now() - start);
}

static void measure(enum cril_dtype type, size_t repeats, const char *cpu)
{
    static double speeds[N_MODELS][MAX_REPEATS], shares[MAX_REPEATS];
    struct cril_engine *e[N_MODELS];
    for (unsigned i = 0; i < N_MODELS; i++) {
        e[i] = make_engine(make_model(i, type));
        speed(e[i]); /* buffers get their pages */
    }
    for (size_t r = 0; r < repeats; r++) {
        for (size_t i = 0; i < N_MODELS; i++)
            speeds[i][r] = speed(e[i]);
        shares[r] = speeds[MIXTURE][r] / speeds[DENSE][r];
    }
    const double share = cril_bench_median(shares, repeats);
    for (size_t i = 0; i < N_MODELS; i++) {
        printf("%s,%s,%u,%s,%s,%.0f,%.3f\n", cpu, cril_kernels()->name, cril_cpu_count(),
               cril_dtypes[type].name, names[i], cril_bench_median(speeds[i], repeats),
               i == MIXTURE ? share : 1.0);
        cril_engine_free(e[i]);
    }
}

int main(int argc, char **argv)
{
    const size_t repeats = argc > 1 ? strtoul(argv[1], NULL, 10) : 3;
    char cpu[128];
    if (argc > 2 || repeats < 1 || repeats > MAX_REPEATS) {
        fputs("usage: mixture [REPEATS]\n", stderr);
        return 2;
    }
    cril_bench_cpu_name(cpu, sizeof(cpu));
    puts("cpu,kernels,threads,type,model,tokens_per_second,share_of_dense");
    for (size_t i = 0; i < N_TYPES; i++)
        measure(types[i], repeats, cpu);
    return 0;
}
