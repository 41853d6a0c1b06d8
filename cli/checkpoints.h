/*
 * Checkpoints of a training run below a folder: GGUF files, and folders with config.json and
 * *.safetensors. Names that begin with "." are skipped, links to folders are not followed.
 */
#ifndef CRIL_CLI_CHECKPOINTS_H
#define CRIL_CLI_CHECKPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_checkpoint {
    char *path;          /* owned */
    int64_t step;        /* by its name; -1: it says none */
    uint64_t state;      /* a hash of names, sizes and times of its files */
    double unchanged_at; /* the clock's time since which the state is the same */
    bool is_there;       /* in the last scan */
    bool done;           /* in this state; it is taken again when it changes */
};

/* Zero-initialised but for folder and settle_sec. Release with cril_checkpoints_free. */
struct cril_checkpoints {
    const char *folder;          /* borrowed */
    double settle_sec;           /* for which files must be unchanged to count as written */
    struct cril_checkpoint *all; /* [n] */
    size_t n, size;
};

/* Looks at the folder. What is gone is forgotten. False: the folder cannot be read, errno says why,
 * or memory ran out. */
bool cril_checkpoints_scan(struct cril_checkpoints *c);
/* Of those that are settled and not done the one with the smallest step, those without a step last
 * and by name. NULL: none. Valid until the next scan. */
struct cril_checkpoint *cril_checkpoints_next(const struct cril_checkpoints *c);
void cril_checkpoints_free(struct cril_checkpoints *c);

/* "checkpoint-500", "step_500", "iter500.gguf", "500": 500, of the last part of the path that has a
 * step. -1: none has. */
int64_t cril_checkpoint_step(const char *path);

#endif
