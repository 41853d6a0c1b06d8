#include "tasks/places.h"

#include "util/fail.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const struct cril_place *x = a, *y = b;
    const int order = strcmp(x->subject, y->subject);

    return order ? order : (x->index > y->index) - (x->index < y->index);
}

cril_status cril_places_init(struct cril_places *p, const struct cril_items *items, cril_error *err)
{
    *p = (struct cril_places){.place = calloc(items->n + 1, sizeof(*p->place)), .n = items->n};
    if (!p->place)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the places of %zu items",
                         items->n);
    for (size_t i = 0; i < p->n; i++) {
        const struct cril_item *item = &items->item[i];

        p->place[i] = (struct cril_place){item->subject ? item->subject : "", item->index, i};
    }
    qsort(p->place, p->n, sizeof(*p->place), compare);
    return CRIL_OK;
}

void cril_places_free(struct cril_places *p)
{
    free(p->place);
    *p = (struct cril_places){0};
}

size_t cril_places_find(const struct cril_places *p, const char *subject, uint64_t index)
{
    const struct cril_place wanted = {subject, index, 0};
    const struct cril_place *found =
        p->n ? bsearch(&wanted, p->place, p->n, sizeof(wanted), compare) : NULL;

    return found ? found->item : SIZE_MAX;
}
