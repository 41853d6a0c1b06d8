/* Python programs that judge an answer, put together. */
#ifndef CRIL_TASKS_PROGRAM_H
#define CRIL_TASKS_PROGRAM_H

#include "tasks/task.h"
#include "tasks/rule_text.h"

/* Appends a text of the item's record; nothing where it has none. */
void cril_program_add_field(struct rule_text *t, const struct cril_item *item, const char *field);
/* Appends what a model wrote: ill-formed UTF-8, which no Python source may have, becomes U+FFFD. */
void cril_program_add_answer(struct rule_text *t, struct cril_bytes answer);
/* Appends it as a literal of a Python str in ASCII. */
void cril_program_add_literal(struct rule_text *t, struct cril_bytes answer);

/* The text becomes the program's source, also on failure. CRIL_ERR_NOMEM. */
cril_status cril_program_finish(struct rule_text *t, const struct cril_task_program *limits,
                                struct cril_task_program *out, cril_error *err);

#endif
