/* cril_harness_read of text that is in memory. */
#ifndef CRIL_STUDY_HARNESS_H
#define CRIL_STUDY_HARNESS_H

#include <cril/harness.h>

struct cril_harness_text {
    const char *path; /* as sentences name it */
    const char *data; /* [len] */
    size_t len;
};

cril_status cril_harness_parse(const struct cril_harness_text *texts, size_t n,
                               const cril_study_info *s, const char *model, cril_harness *out,
                               cril_error *err);

#endif
