/*
 * Models whose figures depend on the length of a pass: the frequencies by length; the engine, in
 * any batch and with cut windows, against the reference pass; the decoder's streams against the
 * engine. And how long a window may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lengths.h"
#include "llama_folder.h"
#include "model/decoder.h"
#include "model/engine.h"
#include "model/op.h"
#include "model/reference.h"
#include "util/random.h"

#include <cril/score.h>
#include <math.h>
#include <string.h>

enum { N = 130, LIMIT = 40 };

static const enum cril_rope_growth growths[] = {CRIL_ROPE_LONG, CRIL_ROPE_DYNAMIC, CRIL_ROPE_STEPS};
static const size_t lengths[] = {N, 12, LIMIT, LIMIT + 1, 80, 81, 80, N, LIMIT + 2};
enum { WINDOWS = sizeof(lengths) / sizeof(*lengths) };

static cril_model *open_model(const char *path)
{
    cril_error err;
    cril_model *m;

    if (cril_model_open(path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

static cril_model *open_golden(const char *name)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    return open_model(path);
}

/* ---- Frequencies ---- */

static void check_classes(enum cril_rope_growth growth, size_t a, size_t b, size_t c)
{
    const struct cril_rope r = {.limit = 96, .growth = growth};

    assert_int_equal(cril_rope_class(&r, 1), 0);
    assert_int_equal(cril_rope_class(&r, 96), 0);
    assert_int_equal(cril_rope_class(&r, 97), a);
    assert_int_equal(cril_rope_class(&r, 192), b);
    assert_int_equal(cril_rope_class(&r, 193), c);
    assert_int_equal(cril_rope_class(&(struct cril_rope){.growth = growth}, 1000), 0);
}

static void test_classes(void **state)
{
    (void)state;
    check_classes(CRIL_ROPE_LONG, 97, 97, 97);
    check_classes(CRIL_ROPE_DYNAMIC, 97, 192, 193);
    check_classes(CRIL_ROPE_STEPS, 192, 192, 384);
}

/* The angles of position 3 in a pass of n inputs, whose base should be as given. */
static void check_base(const struct cril_rope *r, size_t n, double base)
{
    float c[4], s[4];

    cril_rope_row(r, n, 3, c, s);
    for (size_t i = 0; i < r->n_rot / 2; i++) {
        const double angle = 3 * pow(base, -2 * (double)i / (double)r->n_rot);

        assert_true(fabs((double)c[i] - cos(angle)) < 1e-6);
        assert_true(fabs((double)s[i] - sin(angle)) < 1e-6);
    }
}

static void test_bases(void **state)
{
    float plain[4];
    struct cril_rope r = {.n_rot = 8, .freq = plain, .magnitude = 1, .limit = 96, .base = 10000};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        plain[i] = (float)pow(10000, -2 * (double)i / 8);
    r.growth = CRIL_ROPE_DYNAMIC;
    r.factor = 2;
    check_base(&r, 96, 10000);
    check_base(&r, 144, 10000 * pow(2, 8.0 / 6)); /* 2 * 1.5 - 1 */
    r.growth = CRIL_ROPE_STEPS;
    check_base(&r, 96, 10000);
    check_base(&r, 192, 10000 * pow(3, 8.0 / 6));
    check_base(&r, 193, 10000 * pow(7, 8.0 / 6));
}

/* Tables are shared by length, and go with their last user. */
static void test_tables(void **state)
{
    cril_model *m = open_golden("tiny-llama");
    struct cril_rotations r = {0};
    size_t a, b, c, d;
    float row[64];

    (void)state;
    depend_on_length(m, CRIL_ROPE_STEPS, 8);
    assert_true(cril_rotations_take(&r, m, 8, 4, &a) && cril_rotations_take(&r, m, 9, 9, &b) &&
                cril_rotations_take(&r, m, 16, 16, &c) && cril_rotations_take(&r, m, 17, 3, &d));
    assert_true(a != b && b == c && c != d && a != d);
    for (size_t p = 0; p < 16; p++) {
        cril_rope_row(&m->rope[0], 12, p, row, row + m->rope[0].n_rot / 2);
        assert_memory_equal(row, cril_rotations_row(&r, b, 0, p), m->rope[0].n_rot * sizeof(*row));
    }
    cril_rotations_leave(&r, b);
    cril_rotations_leave(&r, d);
    assert_true(cril_rotations_take(&r, m, 100, 1, &d) && d != a && d != c);
    cril_rotations_leave(&r, c);
    assert_true(cril_rotations_take(&r, m, 1000, 1, &b) && b == c);
    assert_int_equal(r.n_tables, 3);
    cril_rotations_free(&r);
    cril_model_close(m);
}

/* ---- Engine and decoder ---- */

static int32_t ids[N + 1];
static double nats[WINDOWS][N];
static struct cril_shares shares[WINDOWS][N];

static struct cril_window window(size_t i)
{
    return (struct cril_window){
        .ids = ids, .n = lengths[i], .targets = ids + 1, .nats = nats[i], .shares = shares[i]};
}

static void score(struct cril_engine *e, const struct cril_window *w, size_t n)
{
    cril_error err;

    if (cril_engine_score(e, w, n, NULL, NULL, &err) != CRIL_OK)
        fail_msg("%s", err.message);
}

/* Nats of each window by the plain forms. */
static double plain[WINDOWS][N];

static void run_plain(const cril_model *m)
{
    cril_error err;

    for (size_t i = 0, k; i < WINDOWS; i++) {
        for (k = 0; lengths[k] != lengths[i]; k++)
            continue;
        if (k < i) /* the same window */
            memcpy(plain[i], plain[k], sizeof(plain[i]));
        else
            assert_int_equal(cril_reference_nats(m, ids, lengths[i] + 1, plain[i], &err), CRIL_OK);
    }
}

static void check_engine(const cril_model *m, unsigned threads)
{
    const struct cril_engine_options o = {.threads = threads};
    double part[N];
    struct cril_window w[WINDOWS];
    struct cril_engine *e;
    cril_error err;

    assert_int_equal(cril_engine_create(m, cril_kernels(), &o, &e, &err), CRIL_OK);
    for (size_t i = 0; i < WINDOWS; i++)
        w[i] = window(i);
    for (int round = 0; round < 2; round++)
        score(e, w, WINDOWS);
    for (size_t i = 0; i < WINDOWS; i++) {
        assert_memory_equal(nats[i], plain[i], lengths[i] * sizeof(double));
        /* its first part alone, known to be one */
        const struct cril_window cut = {
            .ids = ids, .n = 10, .targets = ids + 1, .nats = part, .length = lengths[i]};
        score(e, &cut, 1);
        assert_memory_equal(part, plain[i], 10 * sizeof(double));
    }
    assert_memory_not_equal(nats[0], nats[1], 12 * sizeof(double)); /* the length counts */
    w[0].length = w[0].n - 1;
    assert_int_equal(cril_engine_score(e, w, 1, NULL, NULL, &err), CRIL_ERR_RANGE);
    cril_engine_free(e);
}

static void check_distribution(const struct cril_distribution d, const struct cril_shares *want,
                               size_t id)
{
    const size_t chunk = id / CRIL_CHUNK, first = chunk * CRIL_CHUNK,
                 n = d.n - first < CRIL_CHUNK ? d.n - first : CRIL_CHUNK;
    const struct cril_share c = cril_share_of_weight(d.weights, d.sum, d.n_chunks, chunk),
                            t = cril_share_of_value(d.values + first, n, id - first);

    assert_memory_equal(&c, &want->chunk, sizeof(c));
    assert_memory_equal(&t, &want->token, sizeof(t));
}

/* Each stream takes the windows by turns, token by token, so that at any time they have different
 * lengths. */
static void check_decoder(const cril_model *m, unsigned threads)
{
    enum { STREAMS = 3 };
    const struct cril_decoder_options o = {.threads = threads, .streams = STREAMS, .context = N};
    size_t at[STREAMS] = {0}, of[STREAMS], next = 0, n = STREAMS;
    struct cril_feed feeds[STREAMS];
    struct cril_decoder *d;
    cril_error err;

    if (cril_decoder_create(m, cril_kernels(), &o, &d, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    while (n) {
        n = 0;
        for (size_t i = 0; i < STREAMS; i++) {
            if (!at[i] && next == WINDOWS)
                continue;
            if (!at[i] && cril_decoder_reset(d, i, lengths[of[i] = next++], &err) != CRIL_OK)
                fail_msg("%s", err.message);
            feeds[n++] = (struct cril_feed){.stream = i, .ids = ids + at[i]++, .n = 1};
        }
        if (n && cril_decoder_feed(d, feeds, n, &err) != CRIL_OK)
            fail_msg("%s", err.message);
        for (size_t k = 0; k < n; k++) {
            const size_t i = feeds[k].stream;

            check_distribution(cril_decoder_distribution(d, k), &shares[of[i]][at[i] - 1],
                               (size_t)ids[at[i]]);
            at[i] = at[i] < lengths[of[i]] ? at[i] : 0;
        }
    }
    assert_int_equal(cril_decoder_reset(d, 0, 2, &err), CRIL_OK);
    assert_int_equal(
        cril_decoder_feed(d, &(struct cril_feed){.stream = 0, .ids = ids, .n = 3}, 1, &err),
        CRIL_ERR_RANGE);
    cril_decoder_free(d);
}

static void check_model(const char *name)
{
    struct cril_random random = cril_random_seed(5);
    cril_model *m = open_golden(name);

    assert_false(cril_model_depends_on_length(m));
    for (size_t i = 0; i <= N; i++)
        ids[i] = (int32_t)cril_random_below(&random, (uint32_t)cril_model_logits(m));
    for (size_t i = 0; i < sizeof(growths) / sizeof(*growths); i++) {
        depend_on_length(m, growths[i], LIMIT);
        assert_true(cril_model_depends_on_length(m));
        run_plain(m);
        for (unsigned threads = 1; threads <= 2; threads++) {
            check_engine(m, threads);
            check_decoder(m, threads);
        }
    }
    cril_model_close(m);
}

static void test_llama(void **state)
{
    (void)state;
    check_model("tiny-llama");
}

static void test_gemma3(void **state) /* the other rotation asks for nothing */
{
    (void)state;
    check_model("tiny-gemma3");
}

/* ---- How long a window may be ---- */

/* Beyond the context it was made for a model runs, unless its positions are learned. */
static void test_context(void **state)
{
    static const struct cril_step learned[] = {
        {&cril_op_embed, CRIL_W_EMBEDDING, CRIL_BUF_X, CRIL_BUF_X},
        {&cril_op_position, CRIL_W_POSITIONS, CRIL_BUF_X, CRIL_BUF_X}};
    cril_model *m = open_golden("tiny-llama");
    const size_t n = cril_model_context(m);
    struct cril_family with_positions = *m->family;
    const struct cril_family *const family = m->family;
    double *const out = calloc(n + 1, sizeof(*out));
    int32_t *const tokens = calloc(n + 2, sizeof(*tokens));
    char sentence[512];
    cril_scorer *s;
    cril_error err;

    (void)state;
    assert_true(out && tokens);
    assert_int_equal(cril_model_max_window(m), 1 << 24);
    assert_false(cril_model_warn_context(m, n, sentence, sizeof(sentence)));
    assert_true(cril_model_warn_context(m, n + 1, sentence, sizeof(sentence)));
    assert_non_null(strstr(sentence, "made for a context of at most 256 tokens"));
    assert_int_equal(
        cril_scorer_create(m, &(cril_score_options){.context = n + 1, .threads = 1}, &s, &err),
        CRIL_OK);
    assert_int_equal(cril_scorer_context(s), n + 1);
    assert_int_equal(cril_score_tokens(s, tokens, n + 2, out, &err), CRIL_OK);
    with_positions.embedding = (struct cril_steps)CRIL_STEPS(learned);
    m->family = &with_positions;
    assert_int_equal(cril_model_max_window(m), n);
    assert_int_equal(cril_score_tokens(s, tokens, n + 2, out, &err), CRIL_ERR_RANGE);
    cril_scorer_free(s);
    assert_int_equal(
        cril_scorer_create(m, &(cril_score_options){.context = n + 1, .threads = 1}, &s, &err),
        CRIL_ERR_RANGE);
    m->family = family;
    m->rope[0].freq[0] = 1000; /* so fast that its angles are exact in 99999 positions */
    assert_int_equal(cril_model_max_window(m), 99999);
    m->rope[0].freq[0] = 1; /* or that of long passes is */
    m->rope[0].long_freq = calloc(m->rope[0].n_rot / 2, sizeof(float));
    assert_non_null(m->rope[0].long_freq);
    m->rope[0].long_freq[1] = 1000;
    assert_int_equal(cril_model_max_window(m), 99999);
    cril_model_close(m);
    free(out);
    free(tokens);
}

/* ---- Folders ---- */

static const struct {
    const char *more;   /* of config.json */
    const char *refuse; /* NULL: it opens, with this limit and these divisors of pair 0 */
    enum cril_rope_growth growth;
    size_t limit;
    double short_freq, long_freq;
} folders[] = {
    {"\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2}", NULL, CRIL_ROPE_DYNAMIC, 2048, 1,
     0},
    {"\"head_dim\": 2, \"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2}", "cannot grow", 0,
     0, 0, 0},
    {"\"rope_scaling\": {\"type\": \"dynamic\"}", "no \"rope_scaling.factor\"", 0, 0, 0, 0},
    {"\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": -1}", "out of range", 0, 0, 0, 0},
    {"\"rope_scaling\": {\"type\": \"su\", \"short_factor\": [2, 1.5], \"long_factor\": [4, 8], "
     "\"original_max_position_embeddings\": 64}",
     NULL, CRIL_ROPE_LONG, 64, 0.5, 0.25},
    {"\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [2], \"long_factor\": [4, 8]}",
     "not a list of 2 divisors", 0, 0, 0, 0},
    {"\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [2, 1], \"long_factor\": [4, "
     "0]}",
     "not positive", 0, 0, 0, 0},
    {"\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [2, 1], \"long_factor\": 4}",
     "not a list of numbers", 0, 0, 0, 0},
    {"\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [2, 1]}",
     "not a list of numbers", 0, 0, 0, 0},
    {"\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [2, 1], \"long_factor\": [4, "
     "8], "
     "\"original_max_position_embeddings\": 0}",
     "out of range", 0, 0, 0, 0},
};

static void test_folders(void **state)
{
    char folder[] = "/tmp/cril-lengths-XXXXXX", config[1024];

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        cril_model *m = NULL;
        cril_error err = {0};

        snprintf(config, sizeof(config),
                 "{\"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": 4, "
                 "\"intermediate_size\": 4, \"num_attention_heads\": 1, \"num_hidden_layers\": 1, "
                 "\"vocab_size\": 8, \"tie_word_embeddings\": true, %s}",
                 folders[i].more);
        write_llama(folder, config);
        if (folders[i].refuse) {
            assert_int_not_equal(cril_model_open(folder, &m, &err), CRIL_OK);
            if (!strstr(err.message, folders[i].refuse))
                fail_msg("'%s' lacks '%s'", err.message, folders[i].refuse);
            continue;
        }
        m = open_model(folder);
        assert_int_equal(m->rope[0].limit, folders[i].limit);
        assert_int_equal(m->rope[0].growth, folders[i].growth);
        assert_true((double)m->rope[0].freq[0] == folders[i].short_freq);
        if (m->rope[0].long_freq)
            assert_true((double)m->rope[0].long_freq[0] == folders[i].long_freq);
        cril_model_close(m);
    }
    remove_llama(folder);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes), cmocka_unit_test(test_bases),
        cmocka_unit_test(test_tables),  cmocka_unit_test(test_llama),
        cmocka_unit_test(test_gemma3),  cmocka_unit_test(test_context),
        cmocka_unit_test(test_folders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
