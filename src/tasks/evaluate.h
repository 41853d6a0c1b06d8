/*
 * Runs items through a model: nats of choices, greedy texts, verdicts, bits of gold answers. What
 * is known of an item afterwards is one line of JSON, the line of an items file (doc/eval.md), and
 * all figures are sums over such lines; so a run that was killed goes on with the lines it left
 * behind, and shards are joined by their lines.
 */
#ifndef CRIL_TASKS_EVALUATE_H
#define CRIL_TASKS_EVALUATE_H

#include "tasks/item.h"
#include "tasks/task.h"

#include <cril/eval.h>
#include <cril/model.h>
#include <stdbool.h>
#include <stdint.h>

struct cril_sandbox;

/* What is run: a task by a protocol on data, or requests. Zero-initialise. */
struct cril_evaluation {
    const struct cril_task *task; /* NULL: requests or a task file */
    const char *name;             /* of the task, in lines and tables */
    struct cril_task_settings settings;
    struct cril_items items;
    char data_sha256[65];
};

/* Loads a task. data: as cril_task_folder has it. Release with cril_evaluation_free. */
cril_status cril_evaluation_open_task(const struct cril_task *t, const char *protocol,
                                      const struct cril_task_overrides *o, const char *data,
                                      uint64_t limit, struct cril_evaluation *out, cril_error *err);
void cril_evaluation_free(struct cril_evaluation *e); /* leaves an empty one behind */

struct cril_evaluation_options {
    unsigned threads;             /* 0: one a core */
    size_t batch_tokens, streams; /* 0: chosen */
    size_t memory_bytes;          /* 0: no bound */
    bool special;                 /* look-alikes of control tokens in texts are control tokens */
    bool no_bos;                  /* no BOS, whatever the protocol says */
    bool dry_run;                 /* prompts and ids alone; no model is run */
    struct cril_sandbox *sandbox; /* of tasks with programs; NULL: such tasks are refused */
};

struct cril_evaluation_progress {
    size_t items, items_done; /* of this call's share */
    uint64_t rows, generated; /* tokens through the model, tokens generated */
    double seconds;
};

struct cril_evaluation_callbacks {
    void *user;
    /* Whether the item's line is known already; NULL: none is. */
    bool (*has)(void *user, size_t item);
    /* An item is done: its line, without a line end; borrowed. Not 0: stop, CRIL_ERR_CANCELLED. */
    int (*on_item)(void *user, size_t item, const char *line, size_t len);
    int (*on_progress)(void *user, const struct cril_evaluation_progress *p);
    /* At the end, where a text held a look-alike of a control token, which was taken as text. */
    void (*on_control)(void *user, const char *name);
};

/* Runs the items that `has` does not know, in an order that saves most work. An item that cannot be
 * run (a continuation that is no token, a prompt that fills the window) has a line with "error", a
 * sentence, and counts as such: it stops nothing. */
cril_status cril_evaluate(const struct cril_evaluation *e, cril_model *m,
                          const struct cril_evaluation_options *options,
                          const struct cril_evaluation_callbacks *callbacks, cril_error *err);

/* Sums of lines, which come in any order. Without items in e, lines of any item are taken. */
struct cril_evaluation_sum;
cril_status cril_evaluation_sum_create(const struct cril_evaluation *e,
                                       struct cril_evaluation_sum **out, cril_error *err);
void cril_evaluation_sum_free(struct cril_evaluation_sum *s);
/* CRIL_ERR_FORMAT: a line that is none of this evaluation's; a line twice with other figures. */
cril_status cril_evaluation_sum_add(struct cril_evaluation_sum *s, const char *line, size_t len,
                                    cril_error *err);
/* The whole first, then subjects by name; [*n], owned by s, until they are asked for again. NULL:
 * out of memory. */
cril_eval_score *cril_evaluation_sum_scores(struct cril_evaluation_sum *s, size_t *n);
cril_eval_reference cril_evaluation_sum_reference(const struct cril_evaluation_sum *s);
/* The sentence of the first line that has an error; "": none has. Owned by s. */
const char *cril_evaluation_sum_first_error(const struct cril_evaluation_sum *s);

#endif
