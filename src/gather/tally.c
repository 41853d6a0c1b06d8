/* Counts of texts: see tally.h. */
#include "gather/tally.h"

#include "util/size.h"
#include "util/utf8.h"

#include <string.h>

/* Where the text stands, or would. */
static size_t find(const struct cril_tally *t, const char *text, bool *found)
{
    size_t low = 0, high = t->n;

    *found = false;
    while (low < high && !*found) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(t->rows[middle].text, text);

        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

static bool is_good(const char *text, size_t len)
{
    uint32_t code;

    if (len >= CRIL_TALLY_BYTES || memchr(text, '\0', len))
        return false;
    for (size_t i = 0; i < len;) {
        i += cril_utf8_read(text + i, len - i, &code);
        if (code == CRIL_UTF8_ILL)
            return false;
    }
    return true;
}

bool cril_tally_add(struct cril_tally *t, const char *text, size_t len, uint64_t n)
{
    char key[CRIL_TALLY_BYTES] = "";
    struct cril_tally_row *grown;
    bool found;
    size_t at;

    if (!text) {
        t->without += n;
        return true;
    }
    if (!is_good(text, len)) {
        t->others += n;
        return true;
    }
    memcpy(key, text, len);
    at = find(t, key, &found);
    if (!found && t->n == CRIL_TALLY_TEXTS) {
        t->others += n;
        return true;
    }
    if (!found) {
        if (!(grown = cril_size_grow(t->rows, &t->size, t->n, 1, sizeof(*grown))))
            return false;
        t->rows = grown;
        memmove(grown + at + 1, grown + at, (t->n - at) * sizeof(*grown));
        t->n++;
        memcpy(grown[at].text, key, sizeof(key));
        grown[at].n = 0;
    }
    t->rows[at].n += n;
    return true;
}

json_t *cril_tally_json(const struct cril_tally *t)
{
    json_t *counts = json_object(), *root;

    for (size_t i = 0; i < t->n; i++)
        json_object_set_new(counts, t->rows[i].text, json_integer((json_int_t)t->rows[i].n));
    root = json_pack("{s:o, s:I, s:I}", "counts", counts, "others", (json_int_t)t->others,
                     "without", (json_int_t)t->without);
    if (root && json_object_size(counts) == t->n)
        return root;
    json_decref(root);
    return NULL;
}
