/* The forms that a file of requests may have, among the files that read them. */
#ifndef CRIL_TASKS_REQUESTS_READER_H
#define CRIL_TASKS_REQUESTS_READER_H

#include "tasks/builder.h"
#include "tasks/data.h"
#include "tasks/requests.h"

struct cril_requests_form;

struct cril_requests {
    const struct cril_requests_form *form;
    const char *path;
    const struct cril_data *data;
    size_t at; /* the record that is read */
    struct cril_builder builder;
    const char *task;            /* that the lines or the file's name tell; NULL: none */
    struct cril_bytes delimiter; /* before a choice, not counted in its length */
    bool by_norm;                /* the score is acc_norm's */
    bool by_greedy;              /* that of one continuation is whether greedy decoding gives it */
    json_t *seen;                /* object: documents that were read, by number */
    cril_error *err;
};

struct cril_requests_form {
    const char *name;
    bool (*fits)(const json_t *record);
    cril_status (*start)(struct cril_requests *r); /* NULL: nothing is to be done */
    /* Reads record r->at, and perhaps some behind it; moves r->at behind what was read. */
    cril_status (*read)(struct cril_requests *r);
};

extern const struct cril_requests_form cril_requests_own, cril_requests_harness, cril_requests_olmo;

/* "FILE:LINE: " and what is wrong with record r->at. */
cril_status cril_requests_fault(const struct cril_requests *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
cril_status cril_requests_no_memory(const struct cril_requests *r);

/* The item is whole. It is of the same kind as the items before it, or a fault. */
cril_status cril_requests_add(struct cril_requests *r, const struct cril_item *item);

/* ---- Fields of an object of record r->at, whose path is in `name` ---- */

/* A text that must be there. */
cril_status cril_requests_text(const struct cril_requests *r, const json_t *value, const char *name,
                               struct cril_bytes *out);
/* value is a text, or a list of texts (min of them or more). */
cril_status cril_requests_check_texts(const struct cril_requests *r, const json_t *value,
                                      const char *name, bool text_too, size_t min);
/* A whole number in [min, max]. */
cril_status cril_requests_count(const struct cril_requests *r, const json_t *value,
                                const char *name, uint64_t min, uint64_t max, uint64_t *out);
/* The task that a line names: all lines of a file name the same. */
cril_status cril_requests_take_task(struct cril_requests *r, const json_t *value);
/* A text or a whole number, as a name in the arena. */
cril_status cril_requests_name(struct cril_requests *r, const json_t *value, const char *name,
                               const char **out);

enum { CRIL_REQUESTS_MOST_TOKENS = 1 << 24, CRIL_REQUESTS_DEFAULT_TOKENS = 256 };

/* The place in the list of the choice that a text names, itself or without the delimiter; -1: none,
 * or several. */
ptrdiff_t cril_requests_find_choice(const struct cril_item *item, struct cril_bytes delimiter,
                                    struct cril_bytes text);

/* The text of a gold answer as it follows a context: a blank before it, unless one of the two has
 * white space there. */
bool cril_requests_gold_text(struct cril_requests *r, struct cril_bytes answer,
                             struct cril_item *item);

#endif
