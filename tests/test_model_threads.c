/*
 * One open model in several threads at once: scorers, a compressor, the tokenizer, and the hashes,
 * which are made when first asked for. Under TSan (scripts/test) whatever still changes in an open
 * model is an error; without it the figures are those of one thread alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/codec.h>
#include <cril/score.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static const char corpus_path[] = CRIL_TEST_DATA "/cli/c.jsonl";

enum { N_THREADS = 3, MAX_BYTES = 1 << 16 };

struct job {
    cril_model *model;
    const char *protocol;
    pthread_barrier_t *start; /* NULL: alone */
    /* out */
    bool good;
    double nats;
    char sha256[65], identity[65];
    char archive[MAX_BYTES];
    size_t n_archive;
};

static int take(void *user, const void *data, size_t n)
{
    struct job *j = user;

    if (n > sizeof(j->archive) - j->n_archive)
        return 1;
    memcpy(j->archive + j->n_archive, data, n);
    j->n_archive += n;
    return 0;
}

static bool score(struct job *j)
{
    const cril_score_options options = {.protocol = j->protocol, .context = 32, .threads = 2};
    cril_result r = {0};
    cril_scorer *s = NULL;
    cril_corpus *c = NULL;
    const bool good = cril_scorer_create(j->model, &options, &s, NULL) == CRIL_OK &&
                      cril_corpus_open(corpus_path, NULL, &c, NULL) == CRIL_OK &&
                      cril_score_corpus(s, c, corpus_path, NULL, &r, NULL) == CRIL_OK &&
                      strcmp(r.model_sha256, j->sha256) == 0;

    j->nats = r.nats;
    cril_result_free(&r);
    cril_corpus_close(c);
    cril_scorer_free(s);
    return good;
}

static bool compress(struct job *j)
{
    static const char text[] = "One model, three threads, and each of them has its own archive.";
    const cril_compress_options options = {.context = 32, .threads = 2};
    const cril_codec_callbacks callbacks = {.user = j, .write = take};
    cril_compressor *c = NULL;
    const bool good = cril_compressor_create(j->model, &options, &callbacks, &c, NULL) == CRIL_OK &&
                      cril_compressor_add(c, text, sizeof(text), NULL) == CRIL_OK &&
                      cril_compressor_finish(c, NULL) == CRIL_OK;

    cril_compressor_free(c);
    return good;
}

static void *work(void *arg)
{
    struct job *j = arg;

    if (j->start)
        pthread_barrier_wait(j->start);
    j->good = cril_model_sha256(j->model, j->sha256, NULL) == CRIL_OK && compress(j) && score(j) &&
              cril_model_identity(j->model, j->identity, NULL) == CRIL_OK;
    return NULL;
}

static void expect_same(const struct job *alone, const struct job *j)
{
    assert_true(j->good);
    assert_true(memcmp(&alone->nats, &j->nats, sizeof(j->nats)) == 0);
    assert_string_equal(alone->sha256, j->sha256);
    assert_string_equal(alone->identity, j->identity);
    assert_int_equal(alone->n_archive, j->n_archive);
    assert_memory_equal(alone->archive, j->archive, j->n_archive);
}

static void check(const char *name)
{
    static const char *const protocols[N_THREADS] = {"document", "rolling", "document"};
    static struct job alone, jobs[N_THREADS];
    pthread_t threads[N_THREADS];
    pthread_barrier_t start;
    cril_model *m;

    assert_int_equal(cril_model_open(name, &m, NULL), CRIL_OK);
    assert_int_equal(pthread_barrier_init(&start, NULL, N_THREADS), 0);
    for (size_t i = 0; i < N_THREADS; i++) {
        jobs[i] = (struct job){.model = m, .protocol = protocols[i], .start = &start};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    }
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    pthread_barrier_destroy(&start);
    cril_model_close(m);
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(cril_model_open(name, &m, NULL), CRIL_OK);
        alone = (struct job){.model = m, .protocol = protocols[i]};
        work(&alone);
        assert_true(alone.good);
        expect_same(&alone, &jobs[i]);
        cril_model_close(m);
    }
}

static void test_byte_level(void **state)
{
    (void)state;
    check(CRIL_TEST_DATA "/golden/tiny-qwen2.gguf");
}

static void test_sentencepiece(void **state)
{
    (void)state;
    check(CRIL_TEST_DATA "/golden/tiny-gemma3.gguf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_byte_level),
        cmocka_unit_test(test_sentencepiece),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
