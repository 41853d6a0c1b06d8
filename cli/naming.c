#include "naming.h"

#include "output.h"

#include <cril/hub.h>
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

/* "owner/name@01234567/FILE" of a path in the hub's cache: the commit is cut. */
static bool hub_name(const char *path, char *out, size_t size)
{
    enum { PREFIX = 3, DIGITS = 40, SHOWN_DIGITS = 8 };
    char *at;

    if (!cril_hub_source(path, out, size))
        return false;
    memmove(out, out + PREFIX, strlen(out + PREFIX) + 1); /* "hf:" */
    at = strchr(out, '@') + 1;
    memmove(at + SHOWN_DIGITS, at + DIGITS, strlen(at + DIGITS) + 1);
    return true;
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
        char source[2048];
        const char *name_of_path =
            hub_name(path, source, sizeof(source)) ? source : cril_base_name(path);

        fputs(" (", f);
        cril_print_escaped(f, name_of_path, strlen(name_of_path));
        putc(')', f);
    }
}
