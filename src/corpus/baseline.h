/* The compressed streams, for tests, which decompress them; the library only counts their bytes. */
#ifndef CRIL_CORPUS_BASELINE_H
#define CRIL_CORPUS_BASELINE_H

#include <cril/baseline.h>

/* Takes n bytes more of stream i, in the order of cril_baselines_finish. */
typedef void (*cril_baseline_sink)(void *user, size_t i, const void *data, size_t n);

/* Before the first text. */
void cril_baselines_tap(cril_baselines *b, cril_baseline_sink sink, void *user);

#endif
