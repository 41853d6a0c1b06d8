/* Python programs that judge an answer, put together. */
#ifndef CRIL_TASKS_PROGRAM_H
#define CRIL_TASKS_PROGRAM_H

#include "tasks/task.h"
#include "tasks/str.h"

/* Appends a text of the item's record; nothing where it has none. */
void cril_program_add_field(struct cril_str *t, const struct cril_item *item, const char *field);
/* Appends what a model wrote as a literal of a Python str in ASCII. Ill-formed UTF-8, which no
 * Python source may have, becomes U+FFFD; cril_str_append_repaired appends it as source. */
void cril_program_add_literal(struct cril_str *t, struct cril_bytes answer);

/* The text becomes the program's source, also on failure. CRIL_ERR_NOMEM. */
cril_status cril_program_finish(struct cril_str *t, const struct cril_task_program *limits,
                                struct cril_task_program *out, cril_error *err);

#endif
