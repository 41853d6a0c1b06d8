/* The first of the options A, B, C, D that an answer names, by OpenCompass' list of phrases. */
#ifndef CRIL_TASKS_FIRST_OPTION_H
#define CRIL_TASKS_FIRST_OPTION_H

#include "util/bytes.h"

#include <cril/status.h>

/* *option: 'A' to 'D', or 0: none is named. text is well-formed UTF-8. CRIL_ERR_NOMEM. */
cril_status cril_first_option(struct cril_bytes text, char *option, cril_error *err);

#endif
