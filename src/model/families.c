/* The table of model families. */
#include "model/family.h"

#include <stdio.h>
#include <string.h>

static const struct cril_family *const families[] = {&cril_family_gemma3, &cril_family_llama,
                                                     &cril_family_phi3, &cril_family_qwen,
                                                     &cril_family_qwen2};

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

/* Appends a name to the list at out [size], which has room for all of the table. */
static void add_name(const char *name, char *out, size_t size)
{
    const size_t n = strlen(out);

    snprintf(out + n, size - n, "%s%s", n ? ", " : "", name);
}

void cril_family_names(bool classes, char *out, size_t size)
{
    *out = '\0';
    for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
        if (!classes)
            add_name(families[i]->architecture, out, size);
        for (const struct cril_class *c = families[i]->classes; classes && c->name; c++)
            add_name(c->name, out, size);
    }
}
