/* Fields that answer rules (rules.h) read, and those that they add. */
#ifndef CRIL_TASKS_RULE_FIELDS_H
#define CRIL_TASKS_RULE_FIELDS_H

#include "tasks/str.h"

#include <cril/status.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Sets t to the text of a field; ill-formed bytes become U+FFFD. An integer counts as its decimal
 * digits. *has: it is there; has NULL: it must be. CRIL_ERR_FORMAT names it. */
cril_status cril_rule_read(const json_t *in, const char *name, struct cril_str *t, bool *has,
                           cril_error *err);

/* The object that results are added to. */
struct cril_rule_out {
    json_t *out;
    bool failed;
};

/* A name that is there keeps its value. value is taken; NULL: out of memory. */
void cril_rule_put(struct cril_rule_out *o, const char *name, json_t *value);
void cril_rule_put_text(struct cril_rule_out *o, const char *name, const struct cril_str *t);
void cril_rule_put_bytes(struct cril_rule_out *o, const char *name, struct cril_bytes text);
void cril_rule_put_truth(struct cril_rule_out *o, const char *name, bool value);

/* CRIL_ERR_NOMEM where the object or one of the texts [n] failed. */
cril_status cril_rule_finish(const struct cril_rule_out *o, const struct cril_str *const *texts,
                             size_t n, cril_error *err);

#endif
