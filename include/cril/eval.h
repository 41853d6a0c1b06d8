/*
 * Benchmarks and requests: how many of their items a model gets right (doc/eval.md).
 *
 * An evaluation is a task by a protocol on data, or requests of a user's, which is run on a model.
 * What is known of an item afterwards is one line of JSON; all figures are sums over such lines.
 * Lines have the same bytes for any CPU, threads, batch and streams, whether a run was stopped in
 * between or not.
 *
 * An evaluation belongs to one thread at a time.
 */
#ifndef CRIL_EVAL_H
#define CRIL_EVAL_H

#include <cril/model.h>
#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What there is ---- */

/* Texts are borrowed and live as long as the program. */
typedef struct cril_eval_task {
    const char *name, *title;
    const char *group;  /* "knowledge", "code", "mathematics" */
    const char *folder; /* of its data, below that of all data */
    bool has_subjects;
    bool runs_programs; /* answers are programs, for which a sandbox is needed */
} cril_eval_task;

typedef struct cril_eval_protocol {
    const char *name, *summary;
    size_t shots;
    const char *draw;   /* "first", "seeded" or "fixed": part of the prompt */
    size_t window;      /* tokens; 0: the model's context */
    size_t max_tokens;  /* of a generation; 0: choices are scored */
    const char *metric; /* "acc_norm", "exact_match", "pass@1" */
} cril_eval_protocol;

typedef struct cril_eval_file {
    const char *name;       /* below the task's folder */
    const char *role;       /* "items", "shots" */
    const char *published;  /* where */
    const char *conversion; /* of the hub's Parquet to this form, a command; NULL: not needed */
    const char *protocols;  /* that read it, separated by blanks; NULL: all */
} cril_eval_file;

/* False: past the last. */
bool cril_eval_task_at(size_t i, cril_eval_task *out);
bool cril_eval_protocol_at(size_t task, size_t i, cril_eval_protocol *out);
bool cril_eval_file_at(size_t task, size_t i, cril_eval_file *out);

/* ---- Opening ---- */

typedef struct cril_eval cril_eval;

/* Zero-initialised: the task's own. */
typedef struct cril_eval_settings {
    const char *protocol; /* NULL: the first of the task */
    const char *draw;     /* of shots: "first", "seeded"; NULL: the protocol's */
    bool has_shots;
    uint64_t shots, window, max_tokens; /* shots: if has_shots; 0: the protocol's */
    uint64_t limit;                     /* items, of each subject where there are some; 0: all */
} cril_eval_settings;

/*
 * Reads a task's data below the folder `data`, as published. settings may be NULL. *out is owned by
 * the caller: cril_eval_close.
 *
 * CRIL_ERR_RANGE: no such task or protocol, or a setting that it cannot follow. CRIL_ERR_IO: the
 * data are not there; the sentence says where they are published. CRIL_ERR_FORMAT names file, line
 * and field: a file of another task. CRIL_ERR_EMPTY, CRIL_ERR_NOMEM.
 */
cril_status cril_eval_open_task(const char *task, const char *data,
                                const cril_eval_settings *settings, cril_eval **out,
                                cril_error *err);
/* A task that a YAML file describes, whose data lie below `data`, or, data NULL, beside it. */
cril_status cril_eval_open_task_file(const char *path, const char *data,
                                     const cril_eval_settings *settings, cril_eval **out,
                                     cril_error *err);
/* A file of requests: cril's own lines, lm-evaluation-harness' samples, olmo-eval's requests. Of
 * settings, window and limit alone are looked at. */
cril_status cril_eval_open_requests(const char *path, const cril_eval_settings *settings,
                                    cril_eval **out, cril_error *err);
void cril_eval_close(cril_eval *e); /* NULL is allowed */

/* Borrowed from e. */
const char *cril_eval_name(const cril_eval *e);
const char *cril_eval_protocol_name(const cril_eval *e); /* with what was overridden */
const char *cril_eval_protocol_sha256(const cril_eval *e);
const char *cril_eval_data_sha256(const cril_eval *e);
const char *cril_eval_metric(const cril_eval *e); /* as a table names it; "": none */
size_t cril_eval_shots(const cril_eval *e);
size_t cril_eval_items(const cril_eval *e);
bool cril_eval_is_task(const cril_eval *e); /* of the table, not requests or a task file */
bool cril_eval_runs_programs(const cril_eval *e);

/* ---- Programs ---- */

/* The sandbox that programs run in. */
typedef struct cril_programs cril_programs;

/* python: of the user's; NULL: "python3" of PATH. CRIL_ERR_UNSUPPORTED: no sandbox can be had here;
 * the sentence says why. *out is owned by the caller: cril_programs_close. */
cril_status cril_programs_open(const char *python, cril_programs **out, cril_error *err);
void cril_programs_close(cril_programs *p); /* NULL is allowed */
/* Whether its Python has what the programs of e import; remembers the versions. */
cril_status cril_eval_check_programs(cril_eval *e, cril_programs *p, cril_error *err);
const char *cril_eval_programs(const cril_eval *e); /* "Python 3.11.2 numpy 1.26.4"; "": none */

/* ---- Running ---- */

typedef struct cril_eval_options {
    unsigned threads;        /* 0: one a core */
    size_t batch_tokens;     /* 0: chosen */
    size_t streams;          /* texts generated in step; 0: 16 */
    size_t memory_bytes;     /* 0: no bound */
    bool special;            /* look-alikes of control tokens in texts are control tokens */
    bool no_bos;             /* whatever the protocol says */
    bool dry_run;            /* prompts and ids alone; the model's tokenizer is used, no weights */
    bool fresh;              /* what a stopped run left is dropped */
    cril_programs *programs; /* of tasks that run some */
} cril_eval_options;

typedef struct cril_eval_progress {
    size_t items, done; /* of this evaluation; those that were known are among the done */
    uint64_t tokens;    /* that went through the model in this run */
    uint64_t generated; /* of them */
    double fraction;    /* of the items that this run had to do */
    double seconds;
} cril_eval_progress;

typedef struct cril_eval_callbacks {
    void *user;
    /* Not 0: stop, CRIL_ERR_CANCELLED; what was done is kept. */
    int (*on_progress)(void *user, const cril_eval_progress *p);
    /* A sentence for the user. */
    void (*on_note)(void *user, const char *sentence);
} cril_eval_callbacks;

/*
 * Runs the items. A line that is done is kept at once, in a journal below the user's cache
 * (XDG_CACHE_HOME, or ~/.cache), under a name made of all that decides over it: the model's
 * identity, task, protocol, data, version of the numeric contract. A run that was stopped or killed
 * goes on with them, also with another limit. cril_eval_done removes it.
 *
 * CRIL_ERR_RANGE: a window that the model cannot take, memory that does not suffice.
 * CRIL_ERR_UNSUPPORTED: programs without a sandbox. CRIL_ERR_MISMATCH: another process runs the
 * same; a model's file was written to. CRIL_ERR_IO: the journal cannot be written.
 * CRIL_ERR_NUMERIC, _NOMEM, _CANCELLED.
 */
cril_status cril_eval_run(cril_eval *e, cril_model *m, const cril_eval_options *options,
                          const cril_eval_callbacks *callbacks, cril_error *err);
/* All that is wanted of the lines is written elsewhere: the journal goes. */
void cril_eval_done(cril_eval *e);

/* ---- What was found ---- */

typedef struct cril_eval_score {
    const char *subject;   /* "": all */
    size_t items, scored;  /* of which lines are there; of which there is an answer to compare */
    size_t errors;         /* items that could not be run; they count as wrong */
    size_t unjudged;       /* answers that the rule cannot judge; they count as wrong */
    size_t cut;            /* items of which a prompt was cut to the window */
    double score, se;      /* shares of 1; NaN: there is none */
    double bpb, bpb_total; /* bits per byte of gold answers: mean of items; all bits by all bytes;
                              NaN: there are none */
    size_t gold_items;     /* that have one */
} cril_eval_score;

/* The whole first, then subjects by name; [*n], owned by e, valid until the next call. NULL: out of
 * memory, or nothing was run. */
const cril_eval_score *cril_eval_scores(cril_eval *e, size_t *n);

/* Beside what another program found for the same requests. */
typedef struct cril_eval_reference {
    size_t n_nats;         /* continuations of which both are known */
    double largest;        /* difference of them, nats */
    size_t n_texts, equal; /* texts of which both are known; those that are equal */
} cril_eval_reference;

cril_eval_reference cril_eval_reference_of(const cril_eval *e);

/* The sentence of the first item that could not be run; "": none. Owned by e. */
const char *cril_eval_first_error(const cril_eval *e);

/* Writes the lines of all items that are known, in the order of the data. CRIL_ERR_IO: as errno
 * says. */
cril_status cril_eval_write_items(const cril_eval *e, FILE *f, cril_error *err);

/* ---- As lm-evaluation-harness lays it out (version 0.4.13) ---- */

/* A task there: an evaluation, or one of its subjects. Part i of those of e, "mmlu_anatomy"; NULL
 * past the last. Borrowed from e. */
const char *cril_eval_part(cril_eval *e, size_t i);
/* The lines of samples_TASK_DATE.jsonl of a part. Items that could not be run are left out. Also
 * computes what cril_eval_write_results needs of it: all parts are written before. */
cril_status cril_eval_write_samples(cril_eval *e, size_t part, FILE *f, cril_error *err);

typedef struct cril_eval_facts {
    const char *model, *model_sanitized; /* as given; as a folder's name */
    double start, seconds;               /* Unix time; of the whole run */
    uint64_t limit;                      /* 0: none */
} cril_eval_facts;

/* results_DATE.json of evaluations [n]. */
cril_status cril_eval_write_results(cril_eval *const *evals, size_t n, const cril_eval_facts *facts,
                                    FILE *f, cril_error *err);

/* ---- Grading alone ---- */

enum { CRIL_GRADE_VERDICTS = 32, CRIL_GRADE_PASSES = 3 };

typedef struct cril_grade {
    size_t lines;
    struct {
        char name[64];
        size_t n, n_true;
    } verdict[CRIL_GRADE_VERDICTS]; /* [n_verdicts] truth values that the rules gave */
    size_t n_verdicts;
    /* Of programs: */
    size_t tasks, missing; /* of which there are samples; of which there are none */
    char first_missing[64];
    struct {
        size_t k;
        double value;          /* pass@k, where each task has k samples */
    } pass[CRIL_GRADE_PASSES]; /* [n_passes] */
    size_t n_passes;
} cril_grade;

/*
 * Writes each line of a file (JSON Lines) to f, in order, with what the rules of a task take from
 * its "text" and whether that matches its "gold" or "references"; of mathematics also whether
 * "reference" and "candidate" are equal. Lines of lm-evaluation-harness' samples are graded by
 * their "resps" and "target". "exact" is the rule of requests.
 *
 * Of tasks with programs lines are samples, "task_id" and "completion", or "solution", a whole
 * program; they get "passed" and "result". programs_of is the evaluation that has the task's data;
 * the Python needs the modules of the tasks that have samples.
 *
 * poll (may be NULL): not 0 stops, CRIL_ERR_CANCELLED. CRIL_ERR_FORMAT: "FILE:LINE: what".
 * CRIL_ERR_UNSUPPORTED: the answers of the task are choices, or a module is missing.
 * CRIL_ERR_RANGE, _IO, _NOMEM.
 */
cril_status cril_grade_file(const char *task, const char *path, cril_eval *programs_of,
                            cril_programs *programs, FILE *f, int (*poll)(void *user), void *user,
                            cril_grade *out, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
