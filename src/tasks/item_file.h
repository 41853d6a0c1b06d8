/* Items files (doc/eval.md), read line by line: a file may be larger than memory. */
#ifndef CRIL_TASKS_ITEM_FILE_H
#define CRIL_TASKS_ITEM_FILE_H

#include "tasks/item_lines.h"
#include "util/arena.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a comparison needs of an item. Texts belong to the file's arena. */
struct cril_item_row {
    const char *task, *protocol, *subject, *metric; /* metric "": there is none */
    uint64_t index, prompt;                         /* prompt: a hash of its text */
    struct cril_line_figures figures;
    size_t line;
};

struct cril_item_file {
    struct cril_item_row *row; /* [n] by task, protocol, subject, index */
    size_t n;
    struct cril_arena arena;
};

/* Zero-initialise out; release with cril_item_file_free. CRIL_ERR_FORMAT: "FILE:LINE: what". */
cril_status cril_item_file_read(const char *path, struct cril_item_file *out, cril_error *err);
void cril_item_file_free(struct cril_item_file *f);

/* The order of rows: < 0, 0, > 0. */
int cril_item_row_compare(const struct cril_item_row *a, const struct cril_item_row *b);

#endif
