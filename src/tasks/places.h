/* Which item of a list stands at a place of the data: its subject and its index there. */
#ifndef CRIL_TASKS_PLACES_H
#define CRIL_TASKS_PLACES_H

#include "tasks/item.h"

#include <cril/status.h>

struct cril_place {
    const char *subject; /* "": none; borrowed */
    uint64_t index;
    size_t item;
};

struct cril_places {
    struct cril_place *place; /* [n] by subject, then index */
    size_t n;
};

/* Borrows the subjects of items. CRIL_ERR_NOMEM. */
cril_status cril_places_init(struct cril_places *p, const struct cril_items *items,
                             cril_error *err);
void cril_places_free(struct cril_places *p);
/* SIZE_MAX: there is no such item. */
size_t cril_places_find(const struct cril_places *p, const char *subject, uint64_t index);

#endif
