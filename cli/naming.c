#include "naming.h"

#include "output.h"

#include <string.h>

enum { SHOWN_TYPES = 3 }; /* a mix of more is cut: the first have most bytes */

static size_t shown_length(const char *types)
{
    const char *end = types;

    for (int i = 0; i < SHOWN_TYPES; i++) {
        end += strcspn(end, "+");
        if (!*end || i + 1 == SHOWN_TYPES)
            break;
        end++;
    }
    return (size_t)(end - types);
}

const char *cril_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

void cril_print_model(FILE *f, const char *name, const char *types, const char *path)
{
    cril_print_escaped(f, name, strlen(name));
    if (types && *types) {
        putc(' ', f);
        cril_print_escaped(f, types, shown_length(types));
        fputs(types[shown_length(types)] ? "+..." : "", f);
    }
    if (path) {
        fputs(" (", f);
        cril_print_escaped(f, cril_base_name(path), strlen(cril_base_name(path)));
        putc(')', f);
    }
}
