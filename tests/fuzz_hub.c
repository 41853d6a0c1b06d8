/*
 * libFuzzer entry: the first line as the name of a model on the hub, and as a path in its cache;
 * the rest as the hub's list of files, of which the name chooses. What is chosen is safe to write.
 */
#include "fetch/choose.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const cril_hub_name *n)
{
    if (!cril_hub_path_is_safe(n->repository) || !cril_hub_path_is_safe(n->revision) ||
        (n->file[0] && !cril_hub_path_is_safe(n->file)) || (n->file[0] && n->type[0]))
        abort();
}

/* A name as sentences have it means the same. */
static void check_spoken(const cril_hub_name *n, const char *spoken)
{
    cril_hub_name again;

    if (!strpbrk(n->revision, "/%") && !strchr(n->file, '%') &&
        (cril_hub_name_parse(spoken, &again, NULL) != CRIL_OK ||
         strcmp(n->repository, again.repository) != 0 || strcmp(n->revision, again.revision) != 0 ||
         strcmp(n->file, again.file) != 0 || strcmp(n->type, again.type) != 0))
        abort();
}

static void choose(const cril_hub_name *n, const char *spoken, const char *json, size_t len)
{
    struct cril_hub_listing list;
    struct cril_hub_choice choice;
    cril_error err;

    if (cril_hub_listing_parse(json, len, spoken, &list, &err) != CRIL_OK)
        return;
    if (cril_hub_choose(n, spoken, &list, &choice, &err) == CRIL_OK) {
        if (!choice.n || (choice.main[0] && !cril_hub_listing_find(&list, choice.main)))
            abort();
        for (size_t i = 0; i < choice.n; i++)
            if (!cril_hub_path_is_safe(choice.files[i]->path))
                abort();
        cril_hub_choice_free(&choice);
    }
    cril_hub_listing_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    const size_t len = end ? (size_t)(end - data) : size;
    char spoken[CRIL_HUB_SPOKEN], source[256], *line = malloc(len + 1);
    cril_hub_name n;

    if (!line)
        return 0;
    memcpy(line, data, len);
    line[len] = '\0';
    cril_hub_source(line, source, sizeof(source));
    if (cril_hub_name_parse(line, &n, NULL) == CRIL_OK) {
        check_name(&n);
        cril_hub_spoken(&n, spoken);
        check_spoken(&n, spoken);
        if (end)
            choose(&n, spoken, (const char *)end + 1, size - len - 1);
    }
    free(line);
    return 0;
}
