/* A result's sums without its interval, for where many are needed. */
#ifndef CRIL_SCORE_RESULT_H
#define CRIL_SCORE_RESULT_H

#include <cril/score.h>

/* e to a mean of nats; infinite past e^700. NaN stays NaN. */
double cril_perplexity(double nats);

/* cril_result_sum but for the interval, which stays as it is. */
void cril_result_add_up(cril_result *r);

/* Standard error of bits per character over documents (cril_ratio_error): of the sums as they are.
 * Errors are its. */
cril_status cril_result_error(const cril_result *r, double *out, cril_error *err);

#endif
