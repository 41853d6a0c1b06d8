/* A task file after it was read, between the file that reads YAML and the one that makes items. */
#ifndef CRIL_TASKS_TASK_FILE_H
#define CRIL_TASKS_TASK_FILE_H

#include "tasks/task.h"
#include "tasks/template.h"

#include <stdbool.h>

/* How the right choice is told. */
enum cril_gold_form {
    CRIL_GOLD_INDEX,  /* place among the choices, from 0; True and False are 1 and 0 */
    CRIL_GOLD_NUMBER, /* place from 1 */
    CRIL_GOLD_LABEL,  /* one of `labels` */
    CRIL_GOLD_TEXT    /* the text of the choice */
};

struct cril_templates {
    struct cril_template *list; /* [n] */
    size_t n;
};

/* Zero-initialise. Texts belong to the arena. */
struct cril_task_spec {
    const char *path; /* of the file, for sentences */
    const char *name, *protocol;
    const char *const *data; /* [n_data] names of data files */
    size_t n_data;
    /* Templates without source are not given. */
    struct cril_template description, context, continuation, text, gold, subject, id;
    struct cril_templates contexts, choices, labels, answers; /* n 0: not given */
    enum cril_gold_form gold_form;
    const char *const *until; /* then NULL; NULL: none */
    size_t max_tokens;        /* 0: nothing is generated */
    const char *target_delimiter, *shot_delimiter;
    const char *metric;
    struct {
        size_t number;
        const char *file; /* NULL: the data file itself */
        enum cril_draw draw;
        bool one_more;
        const char *target_delimiter;
    } shots;
    bool has_shots; /* the file says how shots are shown */
};

/* CRIL_ERR_IO, CRIL_ERR_FORMAT, CRIL_ERR_RANGE, ...: the first fault, as FILE:LINE: what. */
cril_status cril_task_spec_read(const char *path, struct cril_arena *a, struct cril_task_spec *out,
                                cril_error *err);

#endif
