/*
 * Items in a corpus (leak.h): a table from a run's hash to the items that have it.
 *
 * Slots are found by the hash's low bits and the next free one; each has a chain of postings, one
 * an item. A document is read once, and the table is asked once a word.
 */
#include <cril/leak.h>

#include "corpus/reader.h"
#include "leak/word_runs.h"
#include "tasks/records.h"
#include "util/arena.h"
#include "util/fail.h"
#include "util/json.h"
#include "util/size.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_N = 13, FIRST_SLOTS = 1 << 12, PATH = 256, NAMES = 400 };

#define NONE UINT32_MAX

struct slot {
    uint64_t run;
    uint32_t posting; /* the newest; NONE: the slot is free */
};

struct posting {
    uint32_t item, next; /* next: NONE at the end */
};

struct item {
    cril_overlap_item seen;
    uint32_t task;
    uint64_t marked; /* the number of the scan that found it last */
};

struct task {
    cril_overlap_task seen;
    size_t first_item;
};

struct cril_overlap {
    size_t n;
    struct cril_arena arena; /* of names and texts */
    const char **fields;     /* [n_fields] */
    size_t n_fields;
    struct task *tasks; /* [n_tasks] */
    size_t n_tasks;
    struct item *items; /* [n_items] */
    size_t n_items, items_size;
    struct posting *postings; /* [n_postings] */
    size_t n_postings, postings_size;
    struct slot *slots; /* [n_slots], a power of two, at most half of them taken */
    size_t n_slots, n_taken;
    uint64_t n_scans;
};

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the runs of words of items");
}

/* Room for one more element. */
static bool grow(void **data, size_t n, size_t *size, size_t element_bytes)
{
    const size_t wanted = *size ? 2 * *size : 64;
    size_t bytes;
    void *grown;

    if (n < *size)
        return true;
    if (wanted >= NONE || !cril_size_mul(wanted, element_bytes, &bytes) ||
        !(grown = realloc(*data, bytes)))
        return false;
    *data = grown;
    *size = wanted;
    return true;
}

/* ---- The table ---- */

/* The slot of a run, or the free one where it belongs. */
static struct slot *find(const struct cril_overlap *o, uint64_t run)
{
    size_t at = (size_t)run & (o->n_slots - 1);

    while (o->slots[at].posting != NONE && o->slots[at].run != run)
        at = (at + 1) & (o->n_slots - 1);
    return &o->slots[at];
}

static bool rebuild(struct cril_overlap *o, size_t n_slots)
{
    struct slot *old = o->slots;
    const size_t n_old = o->n_slots;
    size_t bytes;

    if (!cril_size_mul(n_slots, sizeof(*old), &bytes) || !(o->slots = malloc(bytes))) {
        o->slots = old;
        return false;
    }
    o->n_slots = n_slots;
    for (size_t i = 0; i < n_slots; i++)
        o->slots[i] = (struct slot){.posting = NONE};
    for (size_t i = 0; i < n_old; i++)
        if (old[i].posting != NONE)
            *find(o, old[i].run) = old[i];
    free(old);
    return true;
}

static bool add_run(struct cril_overlap *o, uint64_t run, uint32_t item)
{
    struct slot *s;

    if (2 * o->n_taken >= o->n_slots && !rebuild(o, 2 * o->n_slots))
        return false;
    s = find(o, run);
    if (s->posting != NONE && o->postings[s->posting].item == item)
        return true; /* twice in the item */
    if (!grow((void **)&o->postings, o->n_postings, &o->postings_size, sizeof(*o->postings)))
        return false;
    o->n_taken += s->posting == NONE;
    s->run = run;
    o->postings[o->n_postings] = (struct posting){item, s->posting};
    s->posting = (uint32_t)o->n_postings++;
    return true;
}

/* ---- Items ---- */

static bool is_wanted(const struct cril_overlap *o, const char *path)
{
    for (size_t i = 0; i < o->n_fields; i++) {
        const size_t n = strlen(o->fields[i]);

        if (strncmp(path, o->fields[i], n) == 0 && (path[n] == '\0' || path[n] == '.'))
            return true;
    }
    return !o->n_fields;
}

/* A record's texts on the way into the table. */
struct taking {
    struct cril_overlap *o;
    uint32_t item;
    bool any; /* a text was wanted */
    bool failed;
};

static void take_text(struct taking *t, struct cril_bytes text)
{
    struct cril_word_runs r = {.text = text, .n = t->o->n};

    t->any = true;
    while (!t->failed && cril_word_runs_next(&r)) {
        t->o->items[t->item].seen.testable = true;
        t->failed = !add_run(t->o, r.run, t->item);
    }
}

/* path [PATH] holds `len` bytes: fields with a dot between; elements of a list have no name. A
 * reader of JSON has bounded the depth. */
static void take_value(struct taking *t, const json_t *value, char *path, size_t len)
{
    const char *key;
    json_t *inner;
    size_t i;

    if (json_is_string(value)) {
        if (is_wanted(t->o, path))
            take_text(t, cril_json_text(value));
    } else if (json_is_array(value)) {
        json_array_foreach((json_t *)value, i, inner) take_value(t, inner, path, len);
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, inner)
        {
            const int n = snprintf(path + len, PATH - len, "%s%s", len ? "." : "", key);

            if (n > 0 && (size_t)n < PATH - len)
                take_value(t, inner, path, len + (size_t)n);
            path[len] = '\0';
        }
    }
}

static const char *copy(struct cril_overlap *o, const char *text)
{
    return cril_arena_text(&o->arena, text, strlen(text));
}

static cril_status add_item(struct cril_overlap *o, const struct cril_item *item, struct taking *t,
                            cril_error *err)
{
    struct task *task = &o->tasks[o->n_tasks - 1];
    struct item *own;
    char path[PATH] = "";

    if (!grow((void **)&o->items, o->n_items, &o->items_size, sizeof(*o->items)))
        return no_memory(err);
    t->item = (uint32_t)o->n_items;
    own = &o->items[o->n_items++];
    *own = (struct item){.seen = {.index = item->index}, .task = (uint32_t)(o->n_tasks - 1)};
    own->seen.subject = copy(o, item->subject);
    own->seen.id = item->id ? copy(o, item->id) : NULL;
    take_value(t, item->document, path, 0);
    if (t->failed || !own->seen.subject || (item->id && !own->seen.id))
        return no_memory(err);
    task->seen.items++;
    task->seen.testable += own->seen.testable;
    return CRIL_OK;
}

static cril_status lacks_fields(const struct cril_overlap *o, const struct cril_items *items,
                                cril_error *err)
{
    char names[NAMES] = "";
    const char *key;
    json_t *value;

    if (items->n)
        json_object_foreach(items->item[0].document, key, value)
            cril_list_names(names, sizeof(names), key, strlen(key));
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: no item has a text in the field \"%.80s\"; items have %s",
                     o->tasks[o->n_tasks - 1].seen.name, o->n_fields ? o->fields[0] : "", names);
}

static cril_status add_items(struct cril_overlap *o, const struct cril_items *items,
                             cril_error *err)
{
    struct taking t = {.o = o};
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < items->n && st == CRIL_OK; i++)
        st = add_item(o, &items->item[i], &t, err);
    if (st == CRIL_OK && !t.any)
        st = lacks_fields(o, items, err);
    return st;
}

static bool add_task(struct cril_overlap *o, const struct cril_task *t, const char sha256[65])
{
    struct task *grown = realloc(o->tasks, (o->n_tasks + 1) * sizeof(*grown));

    if (!grown)
        return false;
    o->tasks = grown;
    grown[o->n_tasks] = (struct task){.seen = {.name = t->name}, .first_item = o->n_items};
    memcpy(grown[o->n_tasks++].seen.data_sha256, sha256, 65);
    return true;
}

cril_status cril_overlap_add_task(cril_overlap *o, const char *task, const char *data,
                                  cril_error *err)
{
    if (CRIL_LACKS(err, o, task, data))
        return CRIL_ERR_RANGE;

    const struct cril_task *t = cril_task_find(task);
    struct cril_items items = {0};
    char sha256[65];
    cril_status st;

    if (!t)
        return cril_fail(err, CRIL_ERR_RANGE, "%.80s: no such task; 'cril eval --list' names them",
                         task);
    if ((st = cril_task_records(t, data, sha256, &items, err)) == CRIL_OK)
        st = add_task(o, t, sha256) ? add_items(o, &items, err) : no_memory(err);
    cril_items_free(&items);
    return st;
}

/* ---- Documents ---- */

static bool mark(struct cril_overlap *o, struct item *item, const struct cril_word_runs *r,
                 uint64_t document)
{
    const size_t start = cril_word_runs_start(r);

    if (item->seen.found)
        return true;
    item->seen.text = cril_arena_text(&o->arena, r->text.data + start, r->end - start);
    item->seen.len = r->end - start;
    item->seen.document = document;
    item->seen.found = true;
    o->tasks[item->task].seen.found++;
    return item->seen.text != NULL;
}

cril_status cril_overlap_scan(cril_overlap *o, const char *text, size_t len, uint64_t document,
                              uint64_t *found, cril_error *err)
{
    if (CRIL_LACKS(err, o, found) || (len && CRIL_LACKS(err, text)))
        return CRIL_ERR_RANGE;

    struct cril_word_runs r = {.text = {text, len}, .n = o->n};

    *found = 0;
    o->n_scans++;
    while (cril_word_runs_next(&r))
        for (uint32_t at = find(o, r.run)->posting; at != NONE; at = o->postings[at].next) {
            struct item *item = &o->items[o->postings[at].item];

            if (item->marked == o->n_scans)
                continue;
            item->marked = o->n_scans;
            ++*found;
            if (!mark(o, item, &r, document))
                return no_memory(err);
        }
    return CRIL_OK;
}

/* ---- The whole ---- */

static cril_status copy_fields(struct cril_overlap *o, const cril_overlap_options *options,
                               cril_error *err)
{
    if (!options->n_fields)
        return CRIL_OK;
    if (CRIL_LACKS(err, options->fields))
        return CRIL_ERR_RANGE;
    o->fields = cril_arena_take(&o->arena, options->n_fields, sizeof(*o->fields));
    for (; o->fields && o->n_fields < options->n_fields; o->n_fields++)
        if (!(o->fields[o->n_fields] = copy(o, options->fields[o->n_fields])))
            return no_memory(err);
    return o->fields ? CRIL_OK : no_memory(err);
}

cril_status cril_overlap_create(const cril_overlap_options *options, cril_overlap **out,
                                cril_error *err)
{
    if (CRIL_LACKS(err, out))
        return CRIL_ERR_RANGE;

    struct cril_overlap *o;
    cril_status st = CRIL_OK;

    if (options && options->n > CRIL_WORD_RUN_MAX)
        return cril_fail(err, CRIL_ERR_RANGE, "runs of %zu words; need 1 to %d", options->n,
                         CRIL_WORD_RUN_MAX);
    if (!(o = calloc(1, sizeof(*o))))
        return no_memory(err);
    o->n = options && options->n ? options->n : DEFAULT_N;
    if (options)
        st = copy_fields(o, options, err);
    if (st == CRIL_OK && !rebuild(o, FIRST_SLOTS))
        st = no_memory(err);
    if (st == CRIL_OK)
        *out = o;
    else
        cril_overlap_free(o);
    return st;
}

void cril_overlap_free(cril_overlap *o)
{
    if (!o)
        return;
    cril_arena_free(&o->arena);
    free(o->tasks);
    free(o->items);
    free(o->postings);
    free(o->slots);
    free(o);
}

bool cril_overlap_task_at(const cril_overlap *o, size_t task, cril_overlap_task *out)
{
    if (!o || !out || task >= o->n_tasks)
        return false;
    *out = o->tasks[task].seen;
    return true;
}

bool cril_overlap_item_at(const cril_overlap *o, size_t task, uint64_t item, cril_overlap_item *out)
{
    if (!o || !out || task >= o->n_tasks || item >= o->tasks[task].seen.items)
        return false;
    *out = o->items[o->tasks[task].first_item + (size_t)item].seen;
    return true;
}
