/*
 * Data files of benchmarks as they are published: JSON Lines, a JSON list, or CSV (RFC 4180)
 * without a header, perhaps compressed. A file is read whole: shots are drawn from all of it.
 */
#ifndef CRIL_TASKS_DATA_H
#define CRIL_TASKS_DATA_H

#include <cril/status.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_data_record {
    json_t *value; /* of a row of CSV: a list of texts */
    uint64_t line; /* 1-based, where it starts */
};

/* Zero-initialised it is empty. Release with cril_data_free, which leaves an empty one behind. */
struct cril_data {
    char *path;
    const char *task;                /* that reads it, for sentences; borrowed */
    const char *expects;             /* what a record has, for sentences; borrowed */
    struct cril_data_record *record; /* [n] */
    size_t n, capacity;
};

/*
 * Where name lies below folder, as it is called or with the ending of a compressed file; *path is
 * owned by the caller, and NULL if there is no such file. CRIL_ERR_NOMEM.
 */
cril_status cril_data_find(const char *folder, const char *name, char **path, cril_error *err);

/*
 * Reads path; its name, without the ending of a compressed file, says which form it has: .jsonl,
 * .json or .csv. Every row of CSV has `fields` fields; 0: the first row names them, and records are
 * objects of texts. Empty lines are skipped.
 *
 * CRIL_ERR_FORMAT names file and line: no UTF-8, no JSON, a row of another length, no record at
 * all. CRIL_ERR_IO, CRIL_ERR_TRUNCATED, CRIL_ERR_UNSUPPORTED (larger than the bounds),
 * CRIL_ERR_NOMEM.
 */
cril_status cril_data_read(const char *path, const char *task, const char *expects, size_t fields,
                           struct cril_data *out, cril_error *err);
void cril_data_free(struct cril_data *d);

/* What sha256sum prints for the file, as it is stored. */
cril_status cril_data_sha256(const char *path, char hex[65], cril_error *err);

/* CRIL_ERR_FORMAT: "FILE:LINE: " and what is wrong with record i, then what the task expects, and
 * the task that the record looks like one of. */
cril_status cril_data_fault(const struct cril_data *d, size_t i, cril_error *err,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
