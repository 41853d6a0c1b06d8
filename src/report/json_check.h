/* Whether a result as read from JSON contradicts itself. */
#ifndef CRIL_REPORT_JSON_CHECK_H
#define CRIL_REPORT_JSON_CHECK_H

#include <cril/report.h>
#include <jansson.h>
#include <stdbool.h>

enum { CRIL_CONTRADICTION = 160 }; /* bytes */

/*
 * Whether the sums of r are those of its documents, and every figure of o that follows from them
 * is there as it follows, or absent. r is what o was read to, with its documents. False: what gets
 * the field and what is wrong, such as "bytes is 5, but its documents have 7".
 */
bool cril_result_consistent(const json_t *o, const cril_result *r, char what[CRIL_CONTRADICTION]);

/* Whether v is the number want but for rounding; null, where want is not finite. */
bool cril_json_agrees(const json_t *v, double want);

#endif
