#include "tasks/journal.h"

#include "tasks/item_lines.h"
#include "util/fail.h"
#include "util/json.h"
#include "util/kept_lines.h"

#include <stdlib.h>

struct cril_journal {
    struct cril_kept_lines *kept;
    struct cril_places places;
    struct stretch {
        uint64_t at;
        size_t len; /* without line end; 0: the item is not there */
    } * lines;      /* [places.n] */
    size_t n;
};

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a journal of items");
}

static cril_status create(const struct cril_items *items, struct cril_journal **out,
                          cril_error *err)
{
    struct cril_journal *j = calloc(1, sizeof(*j));
    cril_status st;

    if (!j)
        return no_memory(err);
    st = cril_places_init(&j->places, items, err);
    if (st == CRIL_OK && !(j->lines = calloc(items->n + 1, sizeof(*j->lines))))
        st = no_memory(err);
    if (st == CRIL_OK)
        *out = j;
    else
        cril_journal_close(j);
    return st;
}

void cril_journal_close(struct cril_journal *j)
{
    if (!j)
        return;
    cril_kept_lines_close(j->kept);
    cril_places_free(&j->places);
    free(j->lines);
    free(j);
}

void cril_journal_remove(struct cril_journal *j)
{
    if (j)
        cril_kept_lines_remove(j->kept);
}

/* False: no line that a journal has. */
static bool take_line(void *user, const char *line, size_t len, uint64_t at)
{
    struct cril_journal *j = user;
    json_t *parsed = NULL;
    const char *subject;
    uint64_t index;
    size_t item;
    bool good;

    if (cril_json_parse("", (const uint8_t *)line, len, &parsed, NULL) != CRIL_OK)
        return false;
    good = cril_line_place(parsed, &subject, &index);
    item = good ? cril_places_find(&j->places, subject, index) : SIZE_MAX;
    if (item != SIZE_MAX && !j->lines[item].len) {
        j->lines[item] = (struct stretch){at, len};
        j->n++;
    }
    json_decref(parsed);
    return good;
}

cril_status cril_journal_open(const char *key, const struct cril_items *items, bool fresh,
                              struct cril_journal **out, cril_error *err)
{
    struct cril_journal *j = NULL;
    cril_status st = create(items, &j, err);

    if (st == CRIL_OK)
        st = cril_kept_lines_open("eval", key, fresh, take_line, j, &j->kept, err);
    if (st == CRIL_OK)
        *out = j;
    else
        cril_journal_close(j);
    return st;
}

cril_status cril_journal_open_temporary(const struct cril_items *items, struct cril_journal **out,
                                        cril_error *err)
{
    struct cril_journal *j = NULL;
    cril_status st = create(items, &j, err);

    if (st == CRIL_OK)
        st = cril_kept_lines_open_temporary(&j->kept, err);
    if (st == CRIL_OK)
        *out = j;
    else
        cril_journal_close(j);
    return st;
}

const char *cril_journal_path(const struct cril_journal *j)
{
    return cril_kept_lines_path(j->kept);
}

size_t cril_journal_lines(const struct cril_journal *j)
{
    return j->n;
}

bool cril_journal_has(const struct cril_journal *j, size_t item)
{
    return j->lines[item].len;
}

cril_status cril_journal_add(struct cril_journal *j, size_t item, const char *line, size_t len,
                             cril_error *err)
{
    uint64_t at;
    const cril_status st = cril_kept_lines_add(j->kept, line, len, &at, err);

    if (st != CRIL_OK)
        return st;
    j->lines[item] = (struct stretch){at, len};
    j->n++;
    return CRIL_OK;
}

cril_status cril_journal_read(const struct cril_journal *j, size_t item, char **line, size_t *len,
                              cril_error *err)
{
    const struct stretch *s = &j->lines[item];

    *len = s->len;
    return cril_kept_lines_read(j->kept, s->at, s->len, line, err);
}

cril_status cril_journal_each(const struct cril_journal *j,
                              cril_status (*take)(void *user, const char *line, size_t len,
                                                  cril_error *err),
                              void *user, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < j->places.n && st == CRIL_OK; i++) {
        char *line;
        size_t len;

        if (!cril_journal_has(j, i))
            continue;
        if ((st = cril_journal_read(j, i, &line, &len, err)) == CRIL_OK) {
            st = take(user, line, len, err);
            free(line);
        }
    }
    return st;
}
