#include "tasks/item.h"

#include <stdlib.h>

void cril_items_free(struct cril_items *items)
{
    free(items->item);
    cril_arena_free(&items->arena);
    json_decref(items->owned);
    *items = (struct cril_items){0};
}
