#include "models.h"

#include "hub.h"
#include "output.h"
#include "reads.h"

#include <cril/model.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of that very name is no pattern. */
static bool is_pattern(const char *name)
{
    return cril_model_is_pattern(name) && access(name, F_OK) != 0;
}

static bool add(struct cril_args_list *list, const char *path)
{
    const char **data = realloc(list->data, (list->n + 1) * sizeof(*data));

    if (!data)
        return false;
    list->data = data;
    data[list->n++] = path;
    return true;
}

/* The paths live as long as the command. */
static int expand(const char *pattern, struct cril_args_list *out)
{
    static struct expanded {
        char **paths;
        struct expanded *before;
    } * all;
    struct expanded *e = calloc(1, sizeof(*e));
    cril_error err;
    size_t n;

    if (!e)
        return cril_print_error("out of memory");
    e->before = all;
    all = e;
    if (cril_model_match(pattern, &e->paths, &n, &err) != CRIL_OK)
        return cril_print_error("%s", err.message);
    if (!n)
        return cril_print_error("%s: no file matches this pattern; check it, or name the models",
                                pattern);
    for (size_t i = 0; i < n; i++)
        if (!add(out, e->paths[i]))
            return cril_print_error("out of memory");
    return CRIL_ARGS_GO_ON;
}

int cril_models_locate(struct cril_args_list *models, bool fetch, bool quiet)
{
    struct cril_args_list found = {0};
    int code = CRIL_ARGS_GO_ON;

    for (size_t i = 0; i < models->n && code == CRIL_ARGS_GO_ON; i++) {
        const char *name = models->data[i];

        if (is_pattern(name))
            code = expand(name, &found);
        else if ((code = cril_locate_model(&name, fetch, quiet)) == CRIL_ARGS_GO_ON &&
                 !add(&found, name))
            code = cril_print_error("out of memory");
    }
    free(models->data);
    *models = found;
    for (size_t i = 0; i < models->n && code == CRIL_ARGS_GO_ON; i++)
        cril_reads_model(models->n > 1 ? "a model" : "the model", models->data[i]);
    return code;
}
