/*
 * How items are made of records: the loop that all tasks share, and what they build items with. A
 * task says how a record is shown as a shot and how it becomes an item (struct cril_recipe).
 */
#ifndef CRIL_TASKS_LOAD_H
#define CRIL_TASKS_LOAD_H

#include "tasks/builder.h"
#include "tasks/field.h"
#include "tasks/shots.h"
#include "tasks/task.h"

struct cril_load;

struct cril_recipe {
    /* Before all shots; {SUBJECT} in it is the subject with blanks for underscores. */
    const char *description;
    size_t csv_fields; /* of a row, where the data are CSV */
    bool one_more;     /* shots.h */
    /* Turns rows of CSV into objects; NULL: records are objects. */
    cril_status (*name_fields)(struct cril_load *l, struct cril_data *d);
    /* Whether a record is an item, and whether a shot of all others, where no file holds shots;
     * NULL: all are items. */
    cril_status (*choose)(const struct cril_record *r, bool *is_item, bool *is_shot,
                          cril_error *err);
    /* Appends the record to l->text as shot number `nr`, from 0, with all that parts it from what
     * follows. NULL: the task shows no shots. */
    cril_status (*shot)(struct cril_load *l, const struct cril_record *r, size_t nr);
    /* Fills the item. l->text holds description and shots. */
    cril_status (*item)(struct cril_load *l, const struct cril_record *r, struct cril_item *item);
};

struct cril_load {
    const struct cril_task *task;
    const struct cril_task_settings *settings;
    const char *folder;
    uint64_t limit; /* 0: none */
    struct cril_builder builder;
    const struct cril_recipe *recipe;
    const char *subject; /* NULL: none */
    struct cril_str text;
    struct cril_shots shots;
    const struct cril_bytes *until; /* [n_until] */
    size_t n_until;
    cril_error *err;
};

/* The `load` of a task with one recipe. */
cril_status cril_load_by(const struct cril_recipe *r, const struct cril_task *t,
                         const struct cril_task_settings *s, const char *folder, uint64_t limit,
                         struct cril_items *out, cril_error *err);

/* ---- For recipes ---- */

cril_status cril_load_no_memory(const struct cril_load *l);

/* Appends the shots of the present item by another recipe. */
cril_status cril_load_shots(struct cril_load *l, const struct cril_recipe *r);
/* Appends a description. */
void cril_load_description(struct cril_load *l, const char *description);

/* A copy of l->text. */
cril_status cril_load_text(struct cril_load *l, struct cril_bytes *out);
/* A copy of prefix and text. */
cril_status cril_load_joined(struct cril_load *l, const char *prefix, struct cril_bytes text,
                             struct cril_bytes *out);

/* The item is one of choices; fills each with cril_load_choice: " " and its text, none empty. */
cril_status cril_load_choices(struct cril_load *l, struct cril_item *item, size_t n);
cril_status cril_load_choice(struct cril_load *l, const struct cril_record *r,
                             struct cril_item *item, size_t i, struct cril_bytes text);

/* The item is a generation with the protocol's stops. */
void cril_load_generation(const struct cril_load *l, struct cril_item *item);
/* And is judged by rules, which read answers: the items' from here on, NULL for want of memory. */
cril_status cril_load_answers(struct cril_load *l, struct cril_item *item, json_t *answers);

/* The record's name; an empty one is none. */
cril_status cril_load_id(struct cril_load *l, struct cril_item *item, struct cril_bytes id);

#endif
