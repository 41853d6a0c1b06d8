/* Looks families up. */
#include "model/family.h"

#define LIST_FAMILY(NAME) &cril_family_##NAME,
static const struct cril_family *const families[] = {CRIL_FAMILIES(LIST_FAMILY)};

const struct cril_family *cril_family_find(struct cril_bytes architecture)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
        if (cril_bytes_are(architecture, families[i]->architecture))
            return families[i];
    return NULL;
}

const struct cril_family *cril_family_of_class(struct cril_bytes name,
                                               const struct cril_class **out)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
        for (const struct cril_class *c = families[i]->classes; c->name; c++)
            if (cril_bytes_are(name, c->name)) {
                *out = c;
                return families[i];
            }
    return NULL;
}
