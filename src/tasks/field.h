/*
 * Fields of a record, checked: a field that is missing or of another type is CRIL_ERR_FORMAT, and
 * the sentence names file, line and field. Texts are borrowed from the record.
 */
#ifndef CRIL_TASKS_FIELD_H
#define CRIL_TASKS_FIELD_H

#include "tasks/data.h"
#include "util/bytes.h"

/* A record, or an object within one. */
struct cril_record {
    const struct cril_data *data;
    size_t place;         /* in data */
    const json_t *object; /* whose fields are read */
    const char *within;   /* the name of the field that is `object`, with a dot: "question."; "" */
};

/* CRIL_ERR_FORMAT: record i is no object. */
cril_status cril_record_at(const struct cril_data *d, size_t i, struct cril_record *out,
                           cril_error *err);

cril_status cril_field_text(const struct cril_record *r, const char *name, struct cril_bytes *out,
                            cril_error *err);
/* The same of a field that may be missing or null: the text is empty then. */
cril_status cril_field_optional_text(const struct cril_record *r, const char *name,
                                     struct cril_bytes *out, cril_error *err);
/* A list of texts, at least min of them; borrowed. */
cril_status cril_field_texts(const struct cril_record *r, const char *name, size_t min,
                             const json_t **out, cril_error *err);
cril_status cril_field_integer(const struct cril_record *r, const char *name, int64_t min,
                               int64_t max, int64_t *out, cril_error *err);
/* An object; out->within must outlive out. */
cril_status cril_field_object(const struct cril_record *r, const char *name, const char *within,
                              struct cril_record *out, cril_error *err);
cril_status cril_field_list(const struct cril_record *r, const char *name, size_t min,
                            const json_t **out, cril_error *err);

#endif
