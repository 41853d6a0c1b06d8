/*
 * Whether a model gives the same bits by the plain forms of its operations, in the engine with any
 * number of threads and any plan that less and less memory makes, and in the decoder. And matrices
 * by chance.
 */
#ifndef CRIL_TESTS_CHECK_MODEL_H
#define CRIL_TESTS_CHECK_MODEL_H

#include "model/decoder.h"
#include "model/engine.h"
#include "model/op.h"
#include "model/reference.h"
#include "util/memory.h"
#include "util/random.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { N = 120 }; /* tokens */

/* ---- Matrices ---- */

enum { POOL_BYTES = 8 << 20 };

static struct {
    uint8_t *bytes; /* [POOL_BYTES] of matrices, in a file: its pages can be let go of */
    size_t n;
    struct cril_random random;
} pool;

static void create_pool(void)
{
    FILE *f = tmpfile();

    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), POOL_BYTES), 0);
    pool.bytes = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);
    assert_true(pool.bytes != MAP_FAILED);
    pool.random = cril_random_seed(11);
    fclose(f);
}

static float some_weight(void)
{
    return ((float)cril_random_below(&pool.random, 2001) - 1000) / 5000;
}

/* A matrix [out, in] of small numbers, as F32 or as Q8_0. */
static struct cril_matrix random_matrix(size_t in, size_t out, enum cril_dtype type)
{
    const struct cril_dtype_info *info = &cril_dtypes[type];
    const size_t row = in / info->block_len * info->block_bytes;
    uint8_t *const data = pool.bytes + pool.n;

    pool.n += out * row;
    assert_true(pool.n <= POOL_BYTES && in % info->block_len == 0);
    for (size_t i = 0; i < out * row; i += info->block_bytes) {
        const float f = some_weight();

        if (type == CRIL_F32) {
            memcpy(data + i, &f, sizeof(f));
            continue;
        }
        data[i] = 0;
        data[i + 1] = 0x14; /* 2^-10 as fp16 */
        for (size_t k = 2; k < info->block_bytes; k++)
            data[i + k] = (uint8_t)(cril_random_next(&pool.random) >> 24);
    }
    return (struct cril_matrix){
        .name = "random",
        .type = type,
        .data = data,
        .rows = out,
        .columns = in,
        .row_bytes = row,
        .count = 1,
    };
}

static void free_pool(void)
{
    munmap(pool.bytes, POOL_BYTES);
}

/* ---- The check ---- */

static int32_t ids[N + 1];
static double want[N];               /* by the plain forms */
static struct cril_shares shares[N]; /* by the engine */

/* Windows of several lengths, each a beginning of the ids, some scored in part. False: the memory
 * does not hold one. */
static bool check_engine(const cril_model *m, unsigned threads, size_t memory)
{
    static const struct {
        size_t n, first;
    } lies[] = {{N, 0}, {1, 0}, {33, 7}, {N - 1, 97}, {32, 31}};
    enum { WINDOWS = sizeof(lies) / sizeof(*lies) };
    static double nats[WINDOWS][N];
    const struct cril_engine_options o = {.threads = threads, .memory = memory, .window = N};
    struct cril_window w[WINDOWS];
    struct cril_engine *e;
    cril_error err;

    for (size_t i = 0; i < WINDOWS; i++)
        w[i] = (struct cril_window){.ids = ids,
                                    .n = lies[i].n,
                                    .first = lies[i].first,
                                    .targets = ids + lies[i].first + 1,
                                    .nats = nats[i],
                                    .shares = i ? NULL : shares};
    if (cril_engine_create(m, cril_kernels(), &o, &e, &err) == CRIL_ERR_RANGE)
        return false;
    if (cril_engine_score(e, w, WINDOWS, NULL, NULL, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < WINDOWS; i++)
        assert_memory_equal(nats[i], want + lies[i].first,
                            (lies[i].n - lies[i].first) * sizeof(double));
    cril_engine_free(e);
    return true;
}

static void check_distribution(const struct cril_distribution d, size_t at)
{
    const size_t id = (size_t)ids[at], chunk = id / CRIL_CHUNK, first = chunk * CRIL_CHUNK,
                 n = d.n - first < CRIL_CHUNK ? d.n - first : CRIL_CHUNK;
    const struct cril_share c = cril_share_of_weight(d.weights, d.sum, d.n_chunks, chunk),
                            t = cril_share_of_value(d.values + first, n, id - first);

    assert_memory_equal(&c, &shares[at - 1].chunk, sizeof(c));
    assert_memory_equal(&t, &shares[at - 1].token, sizeof(t));
}

/* Two streams of the same ids, or one where there is no memory, which take turns, a few tokens at a
 * time; twice. */
static void check_decoder(const cril_model *m, unsigned threads, size_t memory)
{
    const struct cril_decoder_options o = {
        .threads = threads, .streams = 2, .context = N, .memory = memory};
    struct cril_random random = cril_random_seed(threads);
    struct cril_decoder *d;
    cril_error err;

    if (cril_decoder_create(m, cril_kernels(), &o, &d, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    for (int round = 0; round < 2; round++) {
        const size_t n = cril_decoder_streams(d);
        size_t at[2] = {0, 0};

        for (size_t i = 0; i < n; i++)
            assert_int_equal(cril_decoder_reset(d, i, N, &err), CRIL_OK);
        while (at[0] + at[1] < n * N) {
            const size_t i = cril_random_below(&random, (uint32_t)n), left = N - at[i];
            struct cril_feed feed = {.stream = i, .ids = ids + at[i]};

            if (!left)
                continue;
            feed.n = 1 + cril_random_below(&random, left < 40 ? (uint32_t)left : 40);
            at[i] += feed.n;
            if (cril_decoder_feed(d, &feed, 1, &err) != CRIL_OK)
                fail_msg("%s", err.message);
            check_distribution(cril_decoder_distribution(d, 0), at[i]);
        }
    }
    cril_decoder_free(d);
}

static void check_model(const cril_model *m)
{
    struct cril_random random = cril_random_seed(3);
    cril_error err;

    for (size_t i = 0; i <= N; i++)
        ids[i] = (int32_t)cril_random_below(&random, (uint32_t)cril_model_logits(m));
    assert_int_equal(cril_reference_nats(m, ids, N + 1, want, &err), CRIL_OK);
    for (unsigned threads = 1; threads <= 4; threads += 3) {
        size_t extra = (size_t)16 << 20; /* less and less memory: finer and finer cuts */

        assert_true(check_engine(m, threads, 0));
        while (check_engine(m, threads, cril_memory_resident() + extra))
            extra -= extra / 8;
        check_decoder(m, threads, 0);
        check_decoder(m, threads, 1);
    }
}

#endif
