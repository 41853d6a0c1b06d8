/* One call of cril_evaluate, among the files that do its work. */
#ifndef CRIL_TASKS_EVALUATING_H
#define CRIL_TASKS_EVALUATING_H

#include "tasks/evaluate.h"
#include "tasks/item_windows.h"

#include <cril/score.h>

struct cril_evaluating {
    const struct cril_evaluation *e;
    cril_model *model;
    const struct cril_evaluation_options *options;
    const struct cril_evaluation_callbacks *callbacks;
    struct cril_windower windower;
    struct cril_evaluation_progress progress;
    double start_sec;
    cril_scorer *scorer; /* for windows of at most scorer_window inputs; NULL: none yet */
    size_t scorer_window;
};

/* The item's line is whole: prints it and hands it out. Takes line, NULL included (out of memory).
 * CRIL_ERR_CANCELLED, CRIL_ERR_NOMEM. */
cril_status cril_evaluating_deliver(struct cril_evaluating *v, size_t item, json_t *line,
                                    cril_error *err);
/* The same of one that cannot be run. */
cril_status cril_evaluating_refuse(struct cril_evaluating *v, size_t item, json_t *line,
                                   const struct cril_fault *fault, cril_error *err);
cril_status cril_evaluating_report(struct cril_evaluating *v, cril_error *err); /* _CANCELLED */
cril_status cril_evaluating_no_memory(cril_error *err);
/* A line with what is known of the item before it is run; ids [n] of its prompt. NULL: no memory.
 */
json_t *cril_evaluating_begin(const struct cril_evaluating *v, const struct cril_item *item,
                              const int32_t *ids, size_t n, size_t cut);

/* ---- Scoring (choices.c) ---- */

/* Items whose windows go through the model together. */
struct cril_scoring;

cril_status cril_scoring_create(struct cril_evaluating *v, struct cril_scoring **out,
                                cril_error *err);
void cril_scoring_free(struct cril_scoring *s); /* NULL is allowed */
/* Adds what is to be scored of an item: its choices or its text, and its gold answer. line: what
 * is known of it so far, which is taken; NULL: nothing. An item with nothing to score, or with a
 * fault, is handed out at once. */
cril_status cril_scoring_add(struct cril_scoring *s, size_t item, json_t *line, cril_error *err);
size_t cril_scoring_items(const struct cril_scoring *s); /* that wait */
bool cril_scoring_is_full(const struct cril_scoring *s);
/* Scores and hands out all that wait. */
cril_status cril_scoring_run(struct cril_scoring *s, cril_error *err);

/* Its memory is needed. */
void cril_evaluating_free_scorer(struct cril_evaluating *v);
/* Whether there is memory for windows of so many inputs. */
cril_status cril_evaluating_try_scorer(struct cril_evaluating *v, size_t inputs, cril_error *err);

/* ---- Generation (generation.c) ---- */

/* Generates the texts of items [n], judges them, scores their gold answers, and hands them out. */
cril_status cril_evaluating_generate(struct cril_evaluating *v, const size_t *items, size_t n,
                                     cril_error *err);

/* ---- Judging (judge.c) ---- */

/* Adds to line what the rules, or the program in the sandbox, say of a text. */
cril_status cril_judge(const struct cril_evaluation *e, struct cril_sandbox *sandbox,
                       const struct cril_item *item, struct cril_bytes text, json_t *line,
                       cril_error *err);
/* The same of a program alone; whole: text is all of it, not a completion. */
cril_status cril_judge_program(const struct cril_evaluation *e, struct cril_sandbox *sandbox,
                               const struct cril_item *item, struct cril_bytes text, bool whole,
                               json_t *line, cril_error *err);
/* Names of the modules that the programs of items import, with blanks around them. wanted [items]:
 * of these; NULL: of all. *needs is owned: free(). */
cril_status cril_judge_needs(const struct cril_evaluation *e, const bool *wanted, char **needs,
                             cril_error *err);

#endif
