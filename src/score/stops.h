/* Stop strings in a text that grows. */
#ifndef CRIL_SCORE_STOPS_H
#define CRIL_SCORE_STOPS_H

#include <cril/generate.h>

/* Where the first of p's stop strings begins in text [len], of those that end behind its first
 * `searched` bytes; SIZE_MAX: nowhere. */
size_t cril_stop_find(const cril_prompt *p, const char *text, size_t len, size_t searched);

#endif
