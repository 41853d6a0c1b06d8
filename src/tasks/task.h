/*
 * The twelve benchmarks (task_*.c) and their table (tasks.c).
 *
 * A task says which files its data lie in, which protocols it can be run by, how a record becomes
 * an item, and how an answer is judged. Everything that decides over a number is in struct
 * cril_task_protocol, whose name and hash go into results.
 */
#ifndef CRIL_TASKS_TASK_H
#define CRIL_TASKS_TASK_H

#include "tasks/item.h"
#include "tasks/rules.h"

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cril_draw {
    CRIL_DRAW_FIXED, /* shots are part of the prompt or named by the protocol */
    CRIL_DRAW_FIRST, /* the first of the pool, in file order, the same for all items */
    CRIL_DRAW_SEEDED /* as Python's random.Random(1234) draws them, anew for each item */
};

enum cril_bos_rule {
    CRIL_BOS_TOKENIZER, /* what the model's tokenizer adds by itself */
    CRIL_BOS_GEMMA,     /* none, but what the tokenizer of a Gemma adds */
    CRIL_BOS_NONE
};

struct cril_task_protocol {
    const char *name;    /* "paper", "harness" */
    const char *summary; /* one line */
    unsigned version;    /* of the template: rises when a prompt changes */
    size_t shots;
    enum cril_draw draw;
    size_t window;     /* tokens that a prompt with its answer may have; 0: the model's context */
    size_t max_tokens; /* of a generation; 0: nothing is generated */
    bool cut_right;    /* prompts too long lose their end; else their beginning */
    enum cril_bos_rule bos;
    const char *const *until; /* stops, then NULL; NULL: none */
    /* The verdict of which the score is the mean: "acc", "acc_norm", the name of a rule's verdict,
     * or "passed". */
    const char *metric;
    const char *metric_shown; /* as a table names it: "acc_norm", "exact_match", "pass@1" */
    bool mean_of_subjects;    /* the score is the plain mean of the subjects' scores */
    const char *answer_rule;  /* words that go into the hash: how an answer is found and judged */
    size_t max_shots;         /* that may be asked for: all of a prompt's own; SIZE_MAX: those of a
                                 file */
    bool shortens_answer;     /* where prompt and max_tokens exceed the window, the answer gets what
                                 the prompt leaves; a prompt alone that leaves nothing is cut */
};

/* A file of data. Of several with one role and one protocol the first that is there is read. */
struct cril_task_file {
    const char *name;       /* below the task's folder, "test/SUBJECT_test.csv" for each subject;
                               .gz may follow */
    const char *role;       /* "items"; "shots": read where shots are shown */
    const char *published;  /* where, under which licence, in one line */
    const char *conversion; /* of the hub's Parquet to this form, one command line; NULL: none */
    const char *protocols;  /* that read it, separated by blanks; NULL: all */
};

/* A protocol after what the user overrode: its own copy, with a name such as
 * "harness,shots=25,draw=first". */
struct cril_task_settings {
    struct cril_task_protocol protocol; /* protocol.name is `name` below */
    char name[96];
    char sha256[65]; /* of all that decides over a number, the task's name included */
};

/* What a user may override; -1: nothing. */
struct cril_task_overrides {
    int64_t shots, window, max_tokens;
    int draw; /* enum cril_draw */
};

/* A program that judges an answer, made of it and of the item. */
struct cril_task_program {
    char *source; /* Python, owned: free() */
    size_t len;
    double wall_sec, cpu_sec; /* limits */
    size_t memory_bytes;
    const char *needs; /* modules that it imports, separated by blanks: "numpy pandas"; "" none */
    bool network;      /* its reference needs the network: it cannot be run here */
    bool as_library;   /* what follows `if __name__ == "__main__":` does not run */
};

struct cril_task {
    const char *name, *title;
    const char *group;                          /* "knowledge", "code", "mathematics" */
    const char *folder;                         /* of its data below --data */
    const struct cril_task_file *files;         /* then one without name */
    const struct cril_task_protocol *protocols; /* "paper" first; then one without name */
    const char *const *subjects; /* each with files of its own, then NULL; NULL: it has none */
    const char *expects;         /* what a record of its items has, for sentences */
    cril_rules *rules;           /* of generated texts; NULL: choices, or programs */
    /* Items of the data below folder (a path), with prompts; at most `limit` (0: all), of each
     * subject where there are subjects. */
    cril_status (*load)(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out,
                        cril_error *err);
    /* The program that judges a completion; whole: the completion is a whole program. NULL: the
     * task has none. CRIL_ERR_NOMEM. */
    cril_status (*program)(const struct cril_task_settings *s, const struct cril_item *item,
                           struct cril_bytes completion, bool whole, struct cril_task_program *out,
                           cril_error *err);
};

/* Task i of the table; NULL past the last. */
const struct cril_task *cril_task_at(size_t i);
const struct cril_task *cril_task_find(const char *name); /* NULL: there is none */

/* protocol NULL: "paper". CRIL_ERR_RANGE: an unknown protocol (the sentence lists what there are),
 * an override that the task cannot follow. */
cril_status cril_task_settings_make(const struct cril_task *t, const char *protocol,
                                    const struct cril_task_overrides *o,
                                    struct cril_task_settings *out, cril_error *err);

/* Where the task's data lie below `data`: data/folder, or data itself. Path owned by the caller.
 * CRIL_ERR_IO: neither has the task's files; the sentence says which file, where it is published.
 */
cril_status cril_task_folder(const struct cril_task *t, const char *data, char **path,
                             cril_error *err);

/* SHA-256 of the lines that sha256sum prints for the files that load reads (name below folder, as
 * it lies there). */
cril_status cril_task_sha256(const struct cril_task *t, const struct cril_task_settings *s,
                             const char *folder, char hex[65], cril_error *err);

#endif
