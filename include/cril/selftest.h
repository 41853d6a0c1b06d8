/*
 * Does this machine compute what every machine computes? The same tokens through one kernel set
 * after another, each summed up in a hash of the bits of every nat.
 *
 * Without a model, three tiny ones that the library makes in memory are used: one a family, with
 * every tensor type between them, in windows and batches of several lengths. Their hash is known
 * and belongs to the numeric contract (CRIL_NUMERICS). With a model, a fixed pseudo-random sequence
 * of its ids is scored. Its hash is to be the same for every kernel set and on every machine; its
 * time says how fast a set is.
 *
 * Use one self-test per thread of yours; several may share a model.
 */
#ifndef CRIL_SELFTEST_H
#define CRIL_SELFTEST_H

#include <cril/model.h>
#include <cril/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In place of a kernel set: the forward pass as doc/numerics.md says it, one token after another
   (src/model/reference.c). One thread, thousands of times slower than the kernels: for the built-in
   models, and for a few tokens of others. */
#define CRIL_SELFTEST_DEFINITION "definition"

typedef struct cril_selftest cril_selftest;

typedef struct cril_selftest_result {
    char sha256[65]; /* SHA-256, in hex, over the nats as little-endian IEEE doubles, window by
                        window */
    double seconds;  /* of the forward passes: weights that are in memory already to nats */
} cril_selftest_result;

/* Called now and then with the share that is done, 0..1. Not 0: stop. */
typedef int (*cril_selftest_progress)(void *user, double fraction);

/*
 * m NULL: the built-in models, and tokens is ignored. Otherwise m is borrowed and must outlive the
 * self-test, which scores `tokens` ids of it (0: 512, or the model's context where that is
 * shorter), drawn from all ids alike by PCG32 with seed 0. They follow each other in windows of up
 * to 2,048, or the model's context, each token scored. *out is owned by the caller, free with
 * cril_selftest_free. CRIL_ERR_NOMEM; CRIL_ERR_RANGE: more than 2^24 tokens.
 */
cril_status cril_selftest_create(const cril_model *m, size_t tokens, cril_selftest **out,
                                 cril_error *err);
void cril_selftest_free(cril_selftest *t); /* NULL is allowed */

/* Tokens that go through the models in one run, and the floating point operations they need
 * (cril_model_flops). */
size_t cril_selftest_tokens(const cril_selftest *t);
double cril_selftest_flops(const cril_selftest *t);

/* The hash that every run on every machine is to have; NULL where none is known: a model of the
 * caller's. */
const char *cril_selftest_expected(const cril_selftest *t);

/*
 * Runs it on the named kernel set of this build (cril_kernel_info_at), whatever CRIL_CPU says, or
 * on CRIL_SELFTEST_DEFINITION, with so many threads (0: one a core). progress may be NULL. A few
 * tokens go before those that are timed, so that the first set does not pay for reading the file.
 *
 * A hash that differs is no error of this function: compare *out. CRIL_ERR_RANGE: there is no such
 * set; CRIL_ERR_UNSUPPORTED: this CPU lacks what the set needs; CRIL_ERR_NOMEM; CRIL_ERR_NUMERIC:
 * the model's weights are damaged; CRIL_ERR_CANCELLED: progress asked for it.
 */
cril_status cril_selftest_run(cril_selftest *t, const char *kernels, unsigned threads,
                              cril_selftest_progress progress, void *user,
                              cril_selftest_result *out, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
