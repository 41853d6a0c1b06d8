/*
 * Items in a store: the cells that they belong to, and what is known of each.
 *
 * An item is filed under its subject and its place in the data file, so benchmarks that differ in
 * their limit alone share it (store_benchmarks.c).
 *
 * What is known of an item is its line of an items file, without the prompt, which follows from
 * task, protocol and data and is most of a line. Each line is checked when it is put and when it is
 * read: JSON, of this task, subject and place.
 */
#include "study/query.h"
#include "study/store.h"

#include "util/fail.h"
#include "util/hex.h"
#include "util/json.h"
#include "util/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Cells ---- */

cril_status cril_item_cell_key(const cril_item_cell *c, uint8_t key[32], cril_error *err)
{
    char text[512], hex[65];
    cril_status st;

    if (!cril_is_sha256(c->model) || !cril_is_name(c->task, 1, sizeof(c->task)) ||
        !cril_is_sha256(c->protocol_sha256) || !cril_is_sha256(c->data_sha256) || c->numerics < 0 ||
        c->rules < 0)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "a cell of model \"%.64s\", task \"%.63s\", protocol \"%.64s\", data "
                         "\"%.64s\", numerics %d, rules %d cannot be filed",
                         c->model, c->task, c->protocol_sha256, c->data_sha256, c->numerics,
                         c->rules);
    snprintf(text, sizeof(text), "items\n%s\n%s\n%s\n%s\n%d\n%d\n", c->model, c->task,
             c->protocol_sha256, c->data_sha256, c->numerics, c->rules);
    if ((st = cril_hash_text(text, hex, err)) == CRIL_OK)
        cril_hex_bytes(hex, key, 32);
    return st;
}

void cril_item_cell_of(const cril_store_model *m, const cril_store_benchmark *b,
                       cril_item_cell *out)
{
    if (!m || !b || !out)
        return;
    *out = (cril_item_cell){.numerics = CRIL_NUMERICS, .rules = CRIL_RULES};
    memcpy(out->model, m->sha256, sizeof(out->model));
    memcpy(out->task, b->task, sizeof(out->task));
    memcpy(out->protocol_sha256, b->protocol_sha256, sizeof(out->protocol_sha256));
    memcpy(out->data_sha256, b->data_sha256, sizeof(out->data_sha256));
}

/* Starts a query whose first value is what a cell is filed under. */
static void start(struct cril_query *q, cril_store *s, const char *sql, const cril_item_cell *c,
                  cril_error *err)
{
    uint8_t key[32];
    const cril_status st = cril_item_cell_key(c, key, err);

    if (st != CRIL_OK) {
        *q = (struct cril_query){.store = s, .err = err, .st = st};
        return;
    }
    cril_query_start(q, s, sql, err);
    cril_query_key(q, key);
}

/* Binds what a cell has in common with its benchmarks. */
static void bind_data(struct cril_query *q, const cril_item_cell *c)
{
    cril_query_text(q, c->task);
    cril_query_text(q, c->protocol_sha256);
    cril_query_text(q, c->data_sha256);
}

static cril_status has_benchmark(cril_store *s, const cril_item_cell *c, bool *out, cril_error *err)
{
    struct cril_query q;

    cril_query_start(
        &q, s, "SELECT 1 FROM benchmarks WHERE task = ? AND protocol_sha256 = ? AND data = ?", err);
    bind_data(&q, c);
    *out = cril_query_next(&q);
    return cril_query_end(&q);
}

/* Names of its model and benchmark, for sentences. */
struct labels {
    char model[64], benchmark[64];
};

static void label(cril_store *s, const cril_item_cell *c, struct labels *out)
{
    char name[CRIL_MAX_NAME] = "";
    struct cril_query q;

    cril_store_name_of(s, CRIL_NAME_MODEL, c->model, out->model, sizeof(out->model));
    cril_query_start(
        &q, s,
        "SELECT name FROM names WHERE kind = 'benchmark' AND id IN (SELECT id FROM "
        "benchmarks WHERE task = ? AND protocol_sha256 = ? AND data = ?) ORDER BY name "
        "LIMIT 1",
        NULL);
    bind_data(&q, c);
    if (cril_query_next(&q))
        cril_query_get_text(&q, 0, "a name", 1, name, sizeof(name));
    snprintf(out->benchmark, sizeof(out->benchmark), "%.60s",
             cril_query_end(&q) == CRIL_OK && name[0] ? name : c->task);
}

cril_status cril_put_item_cell(cril_store *s, const cril_item_cell *c, cril_error *err)
{
    cril_store_model m;
    struct cril_query q;
    uint8_t key[32];
    bool has_model, has_data;
    cril_status st = cril_item_cell_key(c, key, err);

    if (st != CRIL_OK ||
        (st = cril_store_model_by_id(s, c->model, &m, &has_model, err)) != CRIL_OK ||
        (st = has_benchmark(s, c, &has_data, err)) != CRIL_OK)
        return st;
    if (!has_model || !has_data)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: holds nothing of the %s %.12s, whose items were to be added", s->path,
                         has_model ? "data" : "model", has_model ? c->data_sha256 : c->model);
    cril_query_start(&q, s,
                     "INSERT INTO item_cells VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(key) DO "
                     "NOTHING",
                     err);
    cril_query_key(&q, key);
    cril_query_text(&q, c->model);
    bind_data(&q, c);
    cril_query_count(&q, (uint64_t)c->numerics);
    cril_query_count(&q, (uint64_t)c->rules);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

static void get_item_cell(struct cril_query *q, cril_item_cell *c)
{
    static const char what[] = "a cell of a benchmark";
    uint8_t key[32];

    cril_query_get_sha256(q, 1, what, c->model);
    cril_query_get_text(q, 2, what, 1, c->task, sizeof(c->task));
    cril_query_get_sha256(q, 3, what, c->protocol_sha256);
    cril_query_get_sha256(q, 4, what, c->data_sha256);
    c->numerics = (int)cril_query_get_count(q, 5, what, INT32_MAX);
    c->rules = (int)cril_query_get_count(q, 6, what, INT32_MAX);
    if (q->st == CRIL_OK && (cril_item_cell_key(c, key, NULL) != CRIL_OK ||
                             memcmp(key, cril_query_get_key(q, 0), 32) != 0))
        cril_query_bad(q, what);
}

/* ---- Items ---- */

/* A line's object, if it is one of this cell and place; NULL: it is none, or *st is CRIL_ERR_NOMEM.
 * Owned: json_decref. */
static json_t *read_line(const cril_item_cell *c, const cril_store_item *item, cril_status *st)
{
    json_t *line = NULL, *subject, *index;
    const char *task;

    *st = CRIL_OK;
    if (memchr(item->line, '\n', item->len) || memchr(item->line, '\r', item->len))
        return NULL;
    if (cril_json_parse("", (const uint8_t *)item->line, item->len, &line, NULL) == CRIL_ERR_NOMEM)
        *st = CRIL_ERR_NOMEM;
    if (!line)
        return NULL;
    task = json_string_value(json_object_get(line, "task"));
    subject = json_object_get(line, "subject");
    index = json_object_get(line, "index");
    if (task && strcmp(task, c->task) == 0 && json_is_integer(index) &&
        json_integer_value(index) >= 0 && (uint64_t)json_integer_value(index) == item->index &&
        (json_is_string(subject) ? strcmp(json_string_value(subject), item->subject) == 0
                                 : (!subject || json_is_null(subject)) && !item->subject[0]))
        return line;
    json_decref(line);
    return NULL;
}

static cril_status check_item(const cril_store *s, const cril_item_cell *c,
                              const cril_store_item *item, bool is_asked, cril_error *err)
{
    cril_status st;
    json_t *line = NULL;

    if (is_asked && cril_is_name(item->subject, 0, CRIL_MAX_SUBJECT) && item->len &&
        item->len < INT32_MAX)
        line = read_line(c, item, &st);
    else
        st = CRIL_OK;
    json_decref(line);
    if (st != CRIL_OK)
        return cril_store_no_memory(s, err);
    return line ? CRIL_OK
                : cril_fail(err, CRIL_ERR_RANGE,
                            "%s: cannot hold item %" PRIu64 "%s%.60s of the task %s: %s", s->path,
                            item->index, item->subject[0] ? " of " : "", item->subject, c->task,
                            is_asked ? "its line is not the line of an items file for it"
                                     : "no benchmark that it knows asks for it");
}

/* "\"acc\" 1", the value shortened. */
static void show_value(const json_t *line, const char *key, char out[96])
{
    const json_t *value = json_object_get(line, key);
    char *text =
        value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    snprintf(out, 96, "\"%.30s\" %.50s", key, text ? text : "missing");
    free(text);
}

/* The first key by which two lines differ. */
static const char *find_difference(json_t *a, json_t *b)
{
    const char *key;
    json_t *value;

    json_object_foreach(a, key, value) if (!json_equal(value, json_object_get(b, key))) return key;
    json_object_foreach(b, key, value) if (!json_object_get(a, key)) return key;
    return "";
}

static cril_status differs(cril_store *s, const cril_item_cell *c, const cril_store_item *known,
                           const cril_store_item *item, const char *programs, cril_error *err)
{
    char here[CRIL_PROGRAMS_SPOKEN], was[96] = "", is[96] = "";
    struct labels of;
    cril_status st;
    json_t *ours = read_line(c, known, &st), *theirs = read_line(c, item, &st);

    if (ours && theirs) {
        const char *key = find_difference(ours, theirs);

        show_value(ours, key, was);
        show_value(theirs, key, is);
    }
    json_decref(ours);
    json_decref(theirs);
    label(s, c, &of);
    cril_store_programs_of(s, c, here);
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: item %" PRIu64 "%s%.60s of %s by %s, protocol %.12s, is known with %s "
                     "(%s) and came with %s (%s); all machines must compute the same bits and run "
                     "the same Python, so run `cril selftest` where it was computed; if that "
                     "passes, the file was changed",
                     s->path, item->index, item->subject[0] ? " of " : "", item->subject,
                     of.benchmark, of.model, c->protocol_sha256, was, here, is, programs);
}

static cril_status compare_item(cril_store *s, const cril_item_cell *c, const cril_store_item *item,
                                const char *programs, cril_error *err)
{
    cril_store_item known = *item;
    struct cril_query q;

    start(&q, s, "SELECT line FROM items WHERE cell = ? AND subject = ? AND idx = ?", c, err);
    cril_query_text(&q, item->subject);
    cril_query_count(&q, item->index);
    if (cril_query_next(&q)) {
        known.line = cril_query_get_long_text(&q, 0, "an item", &known.len);
        if (q.st == CRIL_OK &&
            (known.len != item->len || memcmp(known.line, item->line, known.len) != 0))
            q.st = differs(s, c, &known, item, programs, err);
    }
    return cril_query_end(&q);
}

static cril_status is_asked_for(cril_store *s, const cril_item_cell *c, const cril_store_item *item,
                                bool *out, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s,
                     "SELECT 1 FROM benchmarks JOIN subjects ON benchmark = id WHERE task = ? AND "
                     "protocol_sha256 = ? AND data = ? AND subject = ? AND last >= ? LIMIT 1",
                     err);
    bind_data(&q, c);
    cril_query_text(&q, item->subject);
    cril_query_count(&q, item->index);
    *out = cril_query_next(&q);
    return cril_query_end(&q);
}

cril_status cril_put_item(cril_store *s, const cril_item_cell *c, const cril_store_item *item,
                          const char *programs, cril_error *err)
{
    struct cril_query q;
    bool is_asked, changed = true;
    cril_status st = is_asked_for(s, c, item, &is_asked, err);

    if (st != CRIL_OK || (st = check_item(s, c, item, is_asked, err)) != CRIL_OK)
        return st;
    start(&q, s, "INSERT INTO items VALUES(?, ?, ?, ?) ON CONFLICT(cell, subject, idx) DO NOTHING",
          c, err);
    cril_query_text(&q, item->subject);
    cril_query_count(&q, item->index);
    cril_query_long_text(&q, item->line, item->len);
    cril_query_run(&q, &changed);
    if (cril_query_end(&q) != CRIL_OK || changed)
        return q.st;
    return compare_item(s, c, item, programs, err);
}

cril_status cril_put_programs(cril_store *s, const cril_item_cell *c, const char *versions,
                              cril_error *err)
{
    struct cril_query q;

    if (!cril_is_name(versions, 1, CRIL_MAX_NAME))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: cannot hold \"%.80s\" as versions of what ran programs", s->path,
                         versions);
    start(&q, s, "INSERT INTO programs VALUES(?, ?) ON CONFLICT(cell, versions) DO NOTHING", c,
          err);
    cril_query_text(&q, versions);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

cril_status cril_store_put_items(cril_store *s, const cril_item_cell *cell,
                                 const cril_store_item *items, size_t n, const char *programs,
                                 cril_error *err)
{
    if (CRIL_LACKS(err, s, cell) || (n && CRIL_LACKS(err, items)))
        return CRIL_ERR_RANGE;

    const cril_unicode here = cril_unicode_here();
    uint8_t key[32];
    cril_status st;

    if (!n)
        return CRIL_OK;
    if ((st = cril_item_cell_key(cell, key, err)) != CRIL_OK ||
        (st = cril_store_begin(s, true, err)) != CRIL_OK)
        return st;
    st = cril_put_item_cell(s, cell, err);
    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        st = cril_put_item(s, cell, &items[i], programs ? programs : "no program", err);
    if (st == CRIL_OK && programs)
        st = cril_put_programs(s, cell, programs, err);
    if (st == CRIL_OK)
        st = cril_put_unicode_by_key(s, key, &here, err);
    return cril_store_end(s, st, err);
}

/* ---- Items of a benchmark ---- */

#define OF_BENCHMARK                                                                               \
    " FROM subjects JOIN items ON items.cell = ? AND items.subject = subjects.subject AND "        \
    "items.idx <= subjects.last WHERE benchmark = ?"

cril_status cril_store_count_items(cril_store *s, const cril_item_cell *cell,
                                   const cril_store_benchmark *b, uint64_t *n, cril_error *err)
{
    if (CRIL_LACKS(err, s, cell, b, n))
        return CRIL_ERR_RANGE;

    struct cril_query q;

    *n = 0;
    start(&q, s, "SELECT count(*)" OF_BENCHMARK, cell, err);
    cril_query_text(&q, b->id);
    if (cril_query_next(&q))
        *n = cril_query_get_count(&q, 0, "items", CRIL_MAX_COUNT);
    return cril_query_end(&q);
}

static const char an_item[] = "an item";

/* The first columns of a row: subject, place. */
static cril_store_item get_place(struct cril_query *q, char subject[CRIL_MAX_SUBJECT])
{
    cril_query_get_text(q, 0, an_item, 0, subject, CRIL_MAX_SUBJECT);
    return (cril_store_item){.subject = subject,
                             .index = cril_query_get_count(q, 1, an_item, UINT32_MAX)};
}

/* The rows of a query: subject, place, line. */
static cril_status see_items(struct cril_query *q, const cril_item_cell *c, cril_store_see_item see,
                             void *user)
{
    char subject[CRIL_MAX_SUBJECT];

    while (cril_query_next(q)) {
        cril_store_item item = get_place(q, subject);
        cril_status st;
        json_t *line;

        item.line = cril_query_get_long_text(q, 2, an_item, &item.len);
        if (q->st != CRIL_OK)
            break;
        line = read_line(c, &item, &st);
        json_decref(line);
        if (st != CRIL_OK)
            q->st = cril_store_no_memory(q->store, q->err);
        else if (!line)
            cril_query_bad(q, an_item);
        else
            q->st = see(user, &item, q->err);
    }
    return cril_query_end(q);
}

cril_status cril_store_each_item(cril_store *s, const cril_item_cell *cell,
                                 const cril_store_benchmark *b, cril_store_see_item see, void *user,
                                 cril_error *err)
{
    if (CRIL_LACKS(err, s, cell, b) || !see)
        return CRIL_ERR_RANGE;

    struct cril_query q;

    start(&q, s,
          "SELECT items.subject, idx, line" OF_BENCHMARK " ORDER BY items.subject, items.idx", cell,
          err);
    cril_query_text(&q, b->id);
    return see_items(&q, cell, see, user);
}

cril_status cril_store_each_place(cril_store *s, const cril_item_cell *cell,
                                  const cril_store_benchmark *b, cril_store_see_item see,
                                  void *user, cril_error *err)
{
    char subject[CRIL_MAX_SUBJECT];
    struct cril_query q;

    start(&q, s, "SELECT items.subject, idx" OF_BENCHMARK, cell, err);
    cril_query_text(&q, b->id);
    while (cril_query_next(&q)) {
        const cril_store_item item = get_place(&q, subject);

        if (q.st == CRIL_OK)
            q.st = see(user, &item, err);
    }
    return cril_query_end(&q);
}

/* ---- Programs ---- */

static cril_status each_programs(cril_store *s, const cril_item_cell *c,
                                 cril_status (*see)(void *user, const char *versions,
                                                    cril_error *err),
                                 void *user, cril_error *err)
{
    char versions[CRIL_MAX_NAME];
    struct cril_query q;

    start(&q, s, "SELECT versions FROM programs WHERE cell = ? ORDER BY versions", c, err);
    while (cril_query_next(&q)) {
        cril_query_get_text(&q, 0, "what ran programs", 1, versions, sizeof(versions));
        if (q.st == CRIL_OK)
            q.st = see(user, versions, err);
    }
    return cril_query_end(&q);
}

struct spoken {
    char first[200];
    size_t n;
};

static cril_status count_programs(void *user, const char *versions, cril_error *err)
{
    struct spoken *x = user;

    (void)err;
    if (!x->n++)
        snprintf(x->first, sizeof(x->first), "%.190s", versions);
    return CRIL_OK;
}

void cril_store_programs_of(cril_store *s, const cril_item_cell *c, char out[CRIL_PROGRAMS_SPOKEN])
{
    struct spoken x = {.first = "no program"};
    size_t len;

    each_programs(s, c, count_programs, &x, NULL); /* a failure leaves "no program" */
    len = (size_t)snprintf(out, CRIL_PROGRAMS_SPOKEN, "%s", x.first);
    if (x.n > 1)
        snprintf(out + len, CRIL_PROGRAMS_SPOKEN - len, ", and %zu more", x.n - 1);
}

/* ---- All of it ---- */

/* All items of a cell, each of which a benchmark must ask for. */
static cril_status visit_items(cril_store *s, const cril_item_cell *c, const struct cril_visit *v,
                               cril_error *err)
{
    struct cril_query q;

    start(&q, s,
          "SELECT 1 FROM items WHERE cell = ? AND NOT EXISTS (SELECT 1 FROM benchmarks JOIN "
          "subjects ON benchmark = id WHERE task = ? AND protocol_sha256 = ? AND data = ? AND "
          "subjects.subject = items.subject AND last >= idx)",
          c, err);
    bind_data(&q, c);
    if (cril_query_next(&q))
        cril_query_bad(&q, "an item of no benchmark");
    if (cril_query_end(&q) != CRIL_OK)
        return q.st;
    start(&q, s, "SELECT subject, idx, line FROM items WHERE cell = ? ORDER BY subject, idx", c,
          err);
    return see_items(&q, c, v->item, v->user);
}

static cril_status visit_item_cell(cril_store *s, const cril_item_cell *c,
                                   const struct cril_visit *v, cril_error *err)
{
    uint8_t key[32];
    bool has_data;
    cril_status st = has_benchmark(s, c, &has_data, err);

    if (st == CRIL_OK && !has_data)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: holds a cell of no benchmark; it was damaged or changed by another "
                         "program, so restore an earlier copy",
                         s->path);
    if (st == CRIL_OK && v->item_cell)
        st = v->item_cell(v->user, c, err);
    if (st == CRIL_OK && v->item)
        st = visit_items(s, c, v, err);
    if (st == CRIL_OK && v->programs)
        st = each_programs(s, c, v->programs, v->user, err);
    if (st == CRIL_OK && v->item_unicode && (st = cril_item_cell_key(c, key, err)) == CRIL_OK)
        st = cril_store_unicode_by_key(s, key, v->item_unicode, v->user, err);
    return st;
}

cril_status cril_visit_item_cells(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    cril_item_cell c = {0};
    struct cril_query q;

    cril_query_start(&q, s,
                     "SELECT key, model, task, protocol_sha256, data, numerics, rules FROM "
                     "item_cells ORDER BY key",
                     err);
    while (cril_query_next(&q)) {
        get_item_cell(&q, &c);
        if (q.st == CRIL_OK)
            q.st = visit_item_cell(s, &c, v, err);
    }
    return cril_query_end(&q);
}

struct cells {
    const cril_store *store;
    cril_item_cell *cells;
    size_t n, capacity;
};

static cril_status add_cell(void *user, const cril_item_cell *c, cril_error *err)
{
    struct cells *l = user;
    cril_item_cell *grown = cril_size_grow(l->cells, &l->capacity, l->n, 1, sizeof(*grown));

    if (!grown)
        return cril_store_no_memory(l->store, err);
    l->cells = grown;
    grown[l->n++] = *c;
    return CRIL_OK;
}

cril_status cril_store_item_cells(cril_store *s, cril_item_cell **out, size_t *n, cril_error *err)
{
    if (CRIL_LACKS(err, s, out, n))
        return CRIL_ERR_RANGE;

    struct cells l = {.store = s};
    const struct cril_visit v = {.user = &l, .item_cell = add_cell};
    const cril_status st = cril_visit_item_cells(s, &v, err);

    if (st != CRIL_OK) {
        free(l.cells);
        return st;
    }
    *out = l.cells;
    *n = l.n;
    return CRIL_OK;
}
