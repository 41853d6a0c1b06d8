/*
 * The forward pass as one would say it aloud: one token after another, one loop after another, no
 * blocks, no threads, no vectors. The tests hold the engine to its bits. Thousands of times slower;
 * not for use.
 */
#ifndef CRIL_MODEL_REFERENCE_H
#define CRIL_MODEL_REFERENCE_H

#include <cril/model.h>
#include <cril/status.h>

/* ids [n] -> nats [n - 1], nats[t] = -ln p(ids[t + 1] | ids[0..t]). CRIL_ERR_NOMEM. */
cril_status cril_reference_nats(const cril_model *m, const int32_t *ids, size_t n, double *nats,
                                cril_error *err);

#endif
