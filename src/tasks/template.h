/*
 * Templates of task files: text with slots, which the fields of a record fill. No code, no
 * conditions (doc/task_files.md, "Templates").
 *
 *     {question}  {question.stem}  {choices.text[0]}  {question.choices[].text}
 *     {sentence|before:_}  {text|after_last: |strip}  {{ and }} stand for braces
 */
#ifndef CRIL_TASKS_TEMPLATE_H
#define CRIL_TASKS_TEMPLATE_H

#include "tasks/str.h"
#include "util/arena.h"

#include <cril/status.h>
#include <jansson.h>
#include <stddef.h>

struct cril_template {
    const char *source;               /* as written; NULL: there is no template */
    struct cril_template_part *parts; /* [n] */
    size_t n;
};

/* Texts belong to the arena; source must outlive the template. CRIL_ERR_RANGE: a slot is wrong; the
 * sentence is without file and line. */
cril_status cril_template_parse(const char *source, struct cril_arena *a, struct cril_template *out,
                                cril_error *err);

/* Appends to `to` what the template makes of a record. CRIL_ERR_FORMAT: the record lacks a field,
 * or it is none that can be printed; the sentence is without file and line. */
cril_status cril_template_fill(const struct cril_template *t, const json_t *record,
                               struct cril_str *to, cril_error *err);

/*
 * The same for a template that may stand for several texts: one slot alone that names a list, or
 * has [] in its path, gives each element; any other template gives one text. Texts are appended to
 * the array `to`.
 */
cril_status cril_template_list(const struct cril_template *t, const json_t *record, json_t *to,
                               cril_error *err);

#endif
