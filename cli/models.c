#include "models.h"

#include "hub.h"
#include "output.h"
#include "reads.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?[") && access(name, F_OK) != 0;
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
        glob_t found;
        struct expanded *before;
    } * all;
    struct expanded *e = calloc(1, sizeof(*e));
    int failed;

    if (!e)
        return cril_print_error("out of memory");
    e->before = all;
    all = e;
    failed = glob(pattern, 0, NULL, &e->found);
    if (failed == GLOB_NOMATCH)
        return cril_print_error("%s: no file matches this pattern; check it, or name the models",
                                pattern);
    if (failed)
        return cril_print_error("%s: the folders of this pattern cannot be read", pattern);
    for (size_t i = 0; i < e->found.gl_pathc; i++)
        if (!add(out, e->found.gl_pathv[i]))
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
