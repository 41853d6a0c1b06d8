/* A view as JSON. */
#ifndef CRIL_CLI_VIEWING_H
#define CRIL_CLI_VIEWING_H

#include <cril/view.h>
#include <jansson.h>

/* doc/view.md, "JSON". NULL: out of memory. */
json_t *cril_viewing_json(const cril_view *v, const char *corpus, uint64_t document);

#endif
