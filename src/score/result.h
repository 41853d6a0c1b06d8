/* A result's sums without its interval, for where many are needed. */
#ifndef CRIL_SCORE_RESULT_H
#define CRIL_SCORE_RESULT_H

#include <cril/score.h>

/* cril_result_sum but for the interval, which stays as it is. */
void cril_result_add_up(cril_result *r);

#endif
