/* cril eval, among its files: its settings, and one function for each thing that it does. */
#ifndef CRIL_CLI_EVALUATING_H
#define CRIL_CLI_EVALUATING_H

#include "args.h"
#include "output.h"
#include "progress.h"

#include <cril/eval.h>
#include <cril/model.h>
#include <stdbool.h>

struct cril_eval_args {
    const char *model, *tasks, *data, *task_file, *requests, *grade;
    const char *protocol, *draw, *python, *items, *output;
    uint64_t threads, memory, batch, streams;
    uint64_t shots, window, max_tokens, limit; /* shots CRIL_NO_SHOTS: not given */
    bool fetch, list, special, no_bos, dry_run, no_resume, keep, subjects, json, force, quiet,
        verbose;
};

#define CRIL_NO_SHOTS UINT64_MAX

/* A run over one or more evaluations. */
struct cril_eval_run {
    const struct cril_eval_args *set;
    cril_eval **evals; /* [n] */
    size_t n, n_done;  /* n_done: that were run to their end */
    cril_model *model;
    cril_programs *programs; /* NULL: none are run */
    struct cril_progress progress;
    struct cril_output items;
    int name_width, protocol_width;
    double start, seconds; /* Unix time; that the evaluations took */
};

int cril_eval_list(bool json);
/* All that runs a model; the exit code. */
int cril_eval_run_all(const struct cril_eval_args *set);
int cril_eval_grade_file(const struct cril_eval_args *set, const char *path);

/* Opens what the settings name, and what it needs. False: the reason was printed. */
bool cril_eval_open_all(struct cril_eval_run *r);

/* Rows of a table of results, a heading before the first. */
void cril_eval_print_heading(const struct cril_eval_run *r);
void cril_eval_print_rows(const struct cril_eval_run *r, cril_eval *e);
/* Sentences about an evaluation: items that could not be run, prompts that were cut. */
void cril_eval_print_notes(const struct cril_eval_run *r, cril_eval *e);
/* The exit code. */
int cril_eval_print_json(const struct cril_eval_run *r);
/* results_*.json and samples_*.jsonl of lm-evaluation-harness. False: the reason was printed. */
bool cril_eval_write_folder(const struct cril_eval_run *r);

#endif
