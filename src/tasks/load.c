/*
 * Files to items: reads the files of a task, of each subject where there are subjects, chooses
 * shots for one record after another, and has the recipe make an item of it.
 */
#include "tasks/load.h"

#include "tasks/files.h"
#include "util/fail.h"

#include <stdlib.h>

cril_status cril_load_no_memory(const struct cril_load *l)
{
    return cril_fail(l->err, CRIL_ERR_NOMEM, "%s: out of memory", l->task->name);
}

/* ---- Texts ---- */

void cril_load_description(struct cril_load *l, const char *description)
{
    const char *const mark = strstr(description, "{SUBJECT}");

    if (!mark) {
        cril_str_add(&l->text, description);
        return;
    }
    cril_str_append(&l->text, (struct cril_bytes){description, (size_t)(mark - description)});
    for (const char *p = l->subject; p && *p; p++)
        cril_str_append(&l->text, (struct cril_bytes){*p == '_' ? " " : p, 1});
    cril_str_add(&l->text, mark + strlen("{SUBJECT}"));
}

cril_status cril_load_shots(struct cril_load *l, const struct cril_recipe *r)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < l->shots.n && st == CRIL_OK; i++) {
        struct cril_record shot;

        if ((st = cril_record_at(l->shots.pool, l->shots.chosen[i], &shot, l->err)) == CRIL_OK)
            st = r->shot(l, &shot, i);
    }
    return st;
}

cril_status cril_load_joined(struct cril_load *l, const char *prefix, struct cril_bytes text,
                             struct cril_bytes *out)
{
    return cril_builder_joined(&l->builder, prefix, text, out) ? CRIL_OK : cril_load_no_memory(l);
}

cril_status cril_load_text(struct cril_load *l, struct cril_bytes *out)
{
    return cril_builder_copy(&l->builder, &l->text, out) ? CRIL_OK : cril_load_no_memory(l);
}

/* ---- Parts of an item ---- */

cril_status cril_load_choices(struct cril_load *l, struct cril_item *item, size_t n)
{
    item->kind = CRIL_ITEM_CHOICES;
    item->n_choices = n;
    item->choices = cril_builder_choices(&l->builder, n);
    return item->choices ? CRIL_OK : cril_load_no_memory(l);
}

cril_status cril_load_choice(struct cril_load *l, const struct cril_record *r,
                             struct cril_item *item, size_t i, struct cril_bytes text)
{
    if (!text.len)
        return cril_data_fault(r->data, r->place, l->err, "choice %zu is empty", i + 1);
    item->choices[i].characters = cril_builder_points(text);
    return cril_load_joined(l, " ", text, &item->choices[i].text);
}

void cril_load_generation(const struct cril_load *l, struct cril_item *item)
{
    item->kind = CRIL_ITEM_GENERATION;
    item->until = l->until;
    item->n_until = l->n_until;
    item->max_tokens = l->settings->protocol.max_tokens;
}

cril_status cril_load_answers(struct cril_load *l, struct cril_item *item, json_t *answers)
{
    cril_load_generation(l, item);
    item->answers = answers;
    return cril_builder_own(&l->builder, answers) ? CRIL_OK : cril_load_no_memory(l);
}

cril_status cril_load_id(struct cril_load *l, struct cril_item *item, struct cril_bytes id)
{
    if (!id.len)
        return CRIL_OK;
    item->id = cril_arena_text(&l->builder.items->arena, id.data, id.len);
    return item->id ? CRIL_OK : cril_load_no_memory(l);
}

/* ---- The loop ---- */

static cril_status add_item(struct cril_load *l, const struct cril_record *r)
{
    struct cril_item item = {.subject = l->subject ? l->subject : "",
                             .index = r->place,
                             .gold = -1,
                             .document = r->data->record[r->place].value};
    cril_status st;

    l->text.n = 0;
    if (l->recipe->description)
        cril_load_description(l, l->recipe->description);
    if (!cril_builder_own(&l->builder, json_incref(item.document)))
        return cril_load_no_memory(l);
    if ((st = cril_load_shots(l, l->recipe)) != CRIL_OK ||
        (st = l->recipe->item(l, r, &item)) != CRIL_OK)
        return st;
    return cril_builder_add(&l->builder, &item) ? CRIL_OK : cril_load_no_memory(l);
}

static cril_status add_items(struct cril_load *l, const struct cril_data *d)
{
    const struct cril_recipe *const recipe = l->recipe;
    cril_status st = CRIL_OK;
    uint64_t n = 0;

    for (size_t i = 0; i < d->n && st == CRIL_OK && (!l->limit || n < l->limit); i++) {
        bool is_item = true, is_shot;
        struct cril_record r;

        if ((st = cril_record_at(d, i, &r, l->err)) != CRIL_OK ||
            (recipe->choose && (st = recipe->choose(&r, &is_item, &is_shot, l->err)) != CRIL_OK) ||
            !is_item)
            continue;
        if ((st = cril_shots_next(&l->shots, r.object, l->err)) == CRIL_OK &&
            (st = add_item(l, &r)) == CRIL_OK)
            n++;
    }
    if (st == CRIL_OK && !n)
        st = cril_data_fault(d, 0, l->err, "no record of the file is an item of the task");
    return st;
}

/* Copies the records that are shots into pool. */
static cril_status choose_shots(struct cril_load *l, const struct cril_data *items,
                                struct cril_data *pool)
{
    struct cril_data p = {.task = items->task, .expects = items->expects};
    cril_status st = CRIL_OK;

    if (!(p.path = malloc(strlen(items->path) + 1)) ||
        !(p.record = calloc(items->n, sizeof(*p.record)))) {
        free(p.path);
        return cril_load_no_memory(l);
    }
    strcpy(p.path, items->path);
    for (size_t i = 0; i < items->n && st == CRIL_OK; i++) {
        bool is_item, is_shot = false;
        struct cril_record r;

        if ((st = cril_record_at(items, i, &r, l->err)) == CRIL_OK &&
            (st = l->recipe->choose(&r, &is_item, &is_shot, l->err)) == CRIL_OK && is_shot) {
            p.record[p.n] = items->record[i];
            json_incref(p.record[p.n++].value);
        }
    }
    if (st == CRIL_OK)
        *pool = p;
    else
        cril_data_free(&p);
    return st;
}

static cril_status read_role(struct cril_load *l, const char *role, struct cril_data *out)
{
    char *path = NULL;
    cril_status st =
        cril_task_path(l->task, l->settings, l->folder, role, l->subject, &path, l->err);

    if (st == CRIL_OK)
        st = cril_data_read(path, l->task->name, l->task->expects, l->recipe->csv_fields, out,
                            l->err);
    if (st == CRIL_OK && l->recipe->name_fields)
        st = l->recipe->name_fields(l, out);
    free(path);
    return st;
}

static cril_status load_subject(struct cril_load *l)
{
    const struct cril_task_protocol *const p = &l->settings->protocol;
    struct cril_data items = {0}, pool = {0};
    cril_status st = read_role(l, "items", &items);

    if (st == CRIL_OK && l->recipe->shot && p->shots) {
        st = l->recipe->choose ? choose_shots(l, &items, &pool) : read_role(l, "shots", &pool);
        if (st == CRIL_OK)
            st = cril_shots_init(&l->shots, p, &pool,
                                 l->recipe->one_more && p->draw == CRIL_DRAW_SEEDED, l->err);
    }
    if (st == CRIL_OK)
        st = add_items(l, &items);
    cril_shots_free(&l->shots);
    cril_data_free(&pool);
    cril_data_free(&items);
    return st;
}

cril_status cril_load_by(const struct cril_recipe *r, const struct cril_task *t,
                         const struct cril_task_settings *s, const char *folder, uint64_t limit,
                         struct cril_items *out, cril_error *err)
{
    struct cril_items items = {0};
    struct cril_load l = {.task = t,
                          .settings = s,
                          .folder = folder,
                          .limit = limit,
                          .builder = {.items = &items},
                          .recipe = r,
                          .err = err};
    cril_status st = cril_builder_until(&l.builder, s->protocol.until, &l.until, &l.n_until)
                         ? CRIL_OK
                         : cril_load_no_memory(&l);
    size_t i = 0;

    for (bool more = true; st == CRIL_OK && more; more = l.subject && t->subjects[i]) {
        l.subject = t->subjects ? t->subjects[i++] : NULL;
        st = load_subject(&l);
    }
    cril_str_free(&l.text);
    if (st == CRIL_OK)
        *out = items;
    else
        cril_items_free(&items);
    return st;
}
