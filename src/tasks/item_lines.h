/*
 * The line of an item: one JSON object, keys in one order, numbers that read back as they were
 * (doc/eval.md, "The items file"). All figures are computed from lines (item_sum.c).
 */
#ifndef CRIL_TASKS_ITEM_LINES_H
#define CRIL_TASKS_ITEM_LINES_H

#include "tasks/evaluate.h"
#include "tasks/item_windows.h"

#include <cril/generate.h>

/* Task, subject, protocol, index, id, metric. Owned by the caller. NULL: out of memory. */
json_t *cril_line_begin(const struct cril_evaluation *e, const struct cril_item *item);

/* The parts that follow, in this order; false: out of memory. */
bool cril_line_add_prompt(json_t *line, const struct cril_item *item, const int32_t *ids, size_t n,
                          size_t cut);
bool cril_line_add_gold(json_t *line, const struct cril_item *item);
/* One choice: its ids [n], and what was cut from its context beyond the prompt's ids. prompt_ids
 * [n_prompt] are written where it has a context of its own. nats NaN: not computed. */
bool cril_line_add_choice(json_t *line, const struct cril_item_choice *c, const int32_t *prompt_ids,
                          size_t n_prompt, const int32_t *ids, size_t n, size_t cut, double nats);
/* acc of the only choice: whether greedy decoding would give it. */
bool cril_line_add_greedy(json_t *line, bool greedy);
/* answer, acc and acc_norm of nats [n_choices], for a metric. */
bool cril_line_add_answer(json_t *line, const struct cril_item *item, const double *nats,
                          const char *metric);
bool cril_line_add_stops(json_t *line, const struct cril_item *item);
/* text: repaired UTF-8. */
bool cril_line_add_generation(json_t *line, const struct cril_item *item, const cril_generation *g);
bool cril_line_add_rolling(json_t *line, const struct cril_item *item, size_t n_tokens,
                           double nats);
bool cril_line_add_gold_bits(json_t *line, double nats, size_t bytes);
bool cril_line_set_text(json_t *line, const char *key, const char *text, size_t len);

/* ---- Reading ---- */

/* Where the item of a line stands; subject is borrowed. False: it does not say so. */
bool cril_line_place(const json_t *line, const char **subject, uint64_t *index);

/* What the figures of a line are made of. */
struct cril_line_figures {
    double value; /* of the metric; NaN: the score is not of this item */
    double nats;  /* of the gold answer; NaN: not known */
    uint64_t bytes;
    bool is_error, is_unjudged; /* which count as 0 */
};
/* metric NULL or "": there is none. Returns NULL, or what is wrong with the line. */
const char *cril_line_figures_read(const json_t *line, const char *metric,
                                   struct cril_line_figures *out);

/* ---- Printing ---- */

/* The whole as text, without a line end; owned: free(). NULL: out of memory. */
char *cril_line_print(const json_t *line, size_t *len);

/* The first of the choices with the largest sum of log-probabilities; of those a character. */
size_t cril_choice_of_sums(const double *nats, size_t n);
size_t cril_choice_of_means(const double *nats, const struct cril_item_choice *choices, size_t n);

#endif
