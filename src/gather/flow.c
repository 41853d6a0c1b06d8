/* Documents through a stage: see flow.h. */
#include "gather/flow.h"

#include "util/arena.h"
#include "util/fail.h"
#include "util/size.h"

#include <cril/corpus.h>
#include <stdlib.h>
#include <string.h>

/* A batch ends when it has one of these. Nothing in a result depends on them. */
enum { BATCH_DOCUMENTS = 256, BATCH_BYTES = 4 << 20 };

enum { KEPT_BYTES = 16 << 10 }; /* of a buffer of an item */

/* At work at once: one that is filled, one that the pool works on, one that is put. */
enum { N_BATCHES = 3 };

struct item {
    struct cril_flow_result result;
    struct cril_step_marks marks;
    char *changed; /* the text, where steps changed it; owned */
    bool keep;
};

struct batch {
    struct item items[BATCH_DOCUMENTS];
    size_t n;
    struct cril_arena arena; /* what the entries point to */
};

struct worker {
    struct cril_draft draft;
    struct cril_step_count *counts; /* [n_pure] */
    cril_status st;
    cril_error err;
};

struct flow {
    const struct cril_flow_stage *stage;
    struct worker *workers; /* [n_workers] */
    size_t n_workers;
    struct batch *batches; /* [N_BATCHES] */
    struct batch *filled, *worked, *done;
    struct cril_draft draft; /* of the step that was decided */
    bool ended;
    cril_status take_st, put_st;
    cril_error take_err, put_err;
};

/* ---- what is done in order ---- */

/* A copy of an entry in the batch. */
static bool keep_entry(struct batch *b, const struct cril_entry *e)
{
    struct item *item = &b->items[b->n];
    struct cril_entry *own = &item->result.entry;

    *own = (struct cril_entry){.len = e->len};
    for (size_t i = 0; i < CRIL_ENTRY_FIELDS; i++) {
        if (e->field[i] &&
            !(own->field[i] = cril_arena_text(&b->arena, e->field[i], strlen(e->field[i]))))
            return false;
    }
    if (!(own->text = cril_arena_text(&b->arena, e->text, e->len)))
        return false;
    item->keep = true;
    b->n++;
    return true;
}

/* Applies the decided step to an entry, whose text is then the draft's. */
static cril_status apply_decided(struct flow *f, struct cril_entry *e, bool *keep, cril_error *err)
{
    struct cril_flow_step *s = f->stage->decided;
    cril_status st;

    *keep = true;
    if (!s)
        return CRIL_OK;
    cril_draft_set(&f->draft, e->text, e->len);
    st = cril_step_apply(&s->run, &f->draft, &s->count, keep, err);
    e->text = f->draft.text;
    e->len = f->draft.len;
    return st;
}

static cril_status fill(struct flow *f, struct batch *b, cril_error *err)
{
    struct cril_entry e;
    cril_status st;
    bool keep;

    for (size_t bytes = 0; b->n < BATCH_DOCUMENTS && bytes < BATCH_BYTES;) {
        if ((st = f->stage->take(f->stage->user, &e, err)) != CRIL_OK)
            return st;
        if (!e.text) {
            f->ended = true;
            return CRIL_OK;
        }
        bytes += e.len;
        if ((st = apply_decided(f, &e, &keep, err)) != CRIL_OK)
            return st;
        if (keep && !keep_entry(b, &e))
            return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for documents");
    }
    return CRIL_OK;
}

/* Buffers of usual size stay for the next document; all of the largest would not fit in memory. */
static void empty_item(struct item *item)
{
    struct cril_buffer *line = &item->result.line;

    free(item->changed);
    item->changed = NULL;
    line->len = 0;
    if (line->cap > KEPT_BYTES) {
        free(line->data);
        *line = (struct cril_buffer){0};
    }
    if (item->marks.size > KEPT_BYTES / sizeof(*item->marks.values)) {
        free(item->marks.values);
        item->marks = (struct cril_step_marks){0};
    }
}

static void empty(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        empty_item(&b->items[i]);
    cril_arena_free(&b->arena);
    b->n = 0;
}

static cril_status put(struct flow *f, struct batch *b, cril_error *err)
{
    struct cril_flow_step *compared = f->stage->compared;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < b->n && st == CRIL_OK; i++) {
        struct item *item = &b->items[i];

        if (!item->keep)
            continue;
        if (compared)
            st = cril_step_note(&compared->run, &item->marks, err);
        if (st == CRIL_OK)
            st = f->stage->put(f->stage->user, &item->result, err);
    }
    empty(b);
    return st;
}

/* ---- what threads do ---- */

static cril_status apply_pure(const struct flow *f, struct worker *w, struct item *item)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < f->stage->n_pure && item->keep && st == CRIL_OK; i++) {
        struct cril_step_run run = f->stage->pure[i].run;

        st = cril_step_apply(&run, &w->draft, &w->counts[i], &item->keep, &w->err);
    }
    return st;
}

/* The draft's text is the next document's soon. */
static cril_status take_text(struct worker *w, struct item *item)
{
    struct cril_entry *e = &item->result.entry;

    if (w->draft.text == e->text)
        return CRIL_OK;
    if (!(item->changed = malloc(w->draft.len + 1)))
        return cril_fail(&w->err, CRIL_ERR_NOMEM, "out of memory for a document of %zu bytes",
                         w->draft.len);
    memcpy(item->changed, w->draft.text, w->draft.len);
    item->changed[w->draft.len] = '\0';
    e->text = item->changed;
    e->len = w->draft.len;
    return CRIL_OK;
}

static cril_status work(const struct flow *f, struct worker *w, struct item *item)
{
    const struct cril_flow_stage *s = f->stage;
    struct cril_flow_result *r = &item->result;
    cril_status st;

    cril_draft_set(&w->draft, r->entry.text, r->entry.len);
    w->draft.title = r->entry.field[CRIL_ENTRY_TITLE];
    if ((st = apply_pure(f, w, item)) != CRIL_OK || !item->keep)
        return st;
    if (s->compared &&
        (st = cril_step_mark(&s->compared->run, &w->draft, &item->marks, &w->err)) != CRIL_OK)
        return st;
    if ((st = take_text(w, item)) != CRIL_OK || !s->lines)
        return st;
    r->characters = cril_count_characters(r->entry.text, r->entry.len);
    return cril_entry_write(&r->entry, &r->line, r->sha256, &w->err);
}

enum { TAKE, PUT, FIRST_ITEM }; /* tasks of the pool */

static void task(void *arg, size_t i, size_t worker)
{
    struct flow *f = arg;
    struct worker *w = &f->workers[worker];

    if (i == TAKE) {
        if (!f->ended)
            f->take_st = fill(f, f->filled, &f->take_err);
        return;
    }
    if (i == PUT) {
        f->put_st = put(f, f->done, &f->put_err);
        return;
    }
    i -= FIRST_ITEM;
    if (w->st == CRIL_OK)
        w->st = work(f, w, &f->worked->items[i]);
}

/* ---- a stage ---- */

static cril_status give(cril_status st, const cril_error *why, cril_error *err)
{
    if (st != CRIL_OK && err)
        *err = *why;
    return st;
}

/* What is put came before what is worked on, and that before what is taken. */
static cril_status first_error(const struct flow *f, cril_error *err)
{
    if (f->put_st != CRIL_OK)
        return give(f->put_st, &f->put_err, err);
    for (size_t i = 0; i < f->n_workers; i++) {
        if (f->workers[i].st != CRIL_OK)
            return give(f->workers[i].st, &f->workers[i].err, err);
    }
    return give(f->take_st, &f->take_err, err);
}

static void rotate(struct flow *f)
{
    struct batch *free_one = f->done;

    f->done = f->worked;
    f->worked = f->filled;
    f->filled = free_one;
}

static cril_status run(struct flow *f, cril_pool *pool, cril_error *err)
{
    cril_status st;

    while (!f->ended || f->worked->n || f->done->n || f->filled->n) {
        if (f->stage->pause && f->stage->pause(f->stage->user))
            return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
        cril_pool_run(pool, FIRST_ITEM + f->worked->n, task, f);
        if ((st = first_error(f, err)) != CRIL_OK)
            return st;
        rotate(f);
    }
    return CRIL_OK;
}

static void add_counts(struct flow *f)
{
    for (size_t i = 0; i < f->n_workers; i++) {
        for (size_t k = 0; k < f->stage->n_pure; k++)
            cril_step_count_add(&f->stage->pure[k].count, &f->workers[i].counts[k]);
    }
}

static void release(struct flow *f)
{
    for (size_t i = 0; f->workers && i < f->n_workers; i++) {
        cril_draft_free(&f->workers[i].draft);
        free(f->workers[i].counts);
    }
    for (size_t i = 0; f->batches && i < N_BATCHES; i++) {
        empty(&f->batches[i]);
        for (size_t k = 0; k < BATCH_DOCUMENTS; k++) {
            free(f->batches[i].items[k].marks.values);
            free(f->batches[i].items[k].result.line.data);
        }
    }
    cril_draft_free(&f->draft);
    free(f->workers);
    free(f->batches);
}

static bool allocate(struct flow *f)
{
    f->workers = calloc(f->n_workers, sizeof(*f->workers));
    f->batches = calloc(N_BATCHES, sizeof(*f->batches));
    for (size_t i = 0; f->workers && i < f->n_workers; i++) {
        f->workers[i].counts = calloc(f->stage->n_pure + 1, sizeof(struct cril_step_count));
        if (!f->workers[i].counts)
            return false;
    }
    if (!f->workers || !f->batches)
        return false;
    f->filled = &f->batches[0];
    f->worked = &f->batches[1];
    f->done = &f->batches[2];
    return true;
}

cril_status cril_flow_run(const struct cril_flow_stage *stage, cril_pool *pool, cril_error *err)
{
    struct flow f = {.stage = stage, .n_workers = cril_pool_threads(pool)};
    cril_status st;

    if (allocate(&f)) {
        st = run(&f, pool, err);
        add_counts(&f);
    } else {
        st = cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    }
    release(&f);
    return st;
}
