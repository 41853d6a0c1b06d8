/*
 * The run of cril eval. A table grows row by row; JSON and files are written when all is done. What
 * is known of items is in journals until then, so nothing is lost where an output fails.
 */
#include "evaluating.h"
#include "table.h"
#include "warnings.h"

#include <cril/cpu.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int on_progress(void *user, const cril_eval_progress *p)
{
    struct cril_eval_run *r = user;
    const struct cril_progress_state state = {
        .fraction = p->fraction, .seconds = p->seconds, .tokens = p->tokens};

    cril_progress_show(&r->progress, &state);
    return cril_output_signal() != 0;
}

static void on_note(void *user, const char *sentence)
{
    struct cril_eval_run *r = user;

    if (r->set->quiet)
        return;
    cril_progress_clear(&r->progress);
    cril_print_note("%s", sentence);
}

static bool run_one(struct cril_eval_run *r, cril_eval *e)
{
    const struct cril_eval_args *s = r->set;
    const cril_eval_options options = {.threads = (unsigned)s->threads,
                                       .batch_tokens = (size_t)s->batch,
                                       .streams = (size_t)s->streams,
                                       .memory_bytes = (size_t)s->memory,
                                       .special = s->special,
                                       .no_bos = s->no_bos,
                                       .dry_run = s->dry_run,
                                       .fresh = s->no_resume,
                                       .programs = r->programs};
    const cril_eval_callbacks callbacks = {
        .user = r, .on_progress = on_progress, .on_note = on_note};
    cril_error err;
    cril_status st;

    r->progress.name = cril_eval_name(e);
    st = cril_eval_run(e, r->model, &options, &callbacks, &err);
    cril_progress_clear(&r->progress);
    if (st == CRIL_OK) {
        r->n_done++;
        return !cril_output_signal();
    }
    if (!cril_output_signal())
        cril_print_error("%s", err.message);
    return false;
}

/* Of those that were finished, and of one that was stopped, what there is of it. */
static void print_table(const struct cril_eval_run *r, cril_eval *e, bool first)
{
    if (r->set->json || r->set->dry_run)
        return;
    if (first)
        cril_eval_print_heading(r);
    cril_eval_print_rows(r, e);
    fflush(stdout);
}

static void print_partial(const struct cril_eval_run *r)
{
    size_t n = 0;
    cril_eval *e = r->n_done < r->n ? r->evals[r->n_done] : NULL;
    const cril_eval_score *s = e ? cril_eval_scores(e, &n) : NULL;

    if (!r->set->quiet && s && s->items)
        cril_print_note("%s: partial, %zu of %zu items", cril_eval_name(e), s->items,
                        cril_eval_items(e));
}

static bool write_items(struct cril_eval_run *r)
{
    cril_error err;

    for (size_t i = 0; r->items.file && i < r->n; i++) {
        errno = 0;
        if (cril_eval_write_items(r->evals[i], r->items.file, &err) == CRIL_OK)
            continue;
        if (!ferror(r->items.file))
            cril_print_error("%s", err.message);
        else
            cril_output_failed(&r->items, errno);
        return false;
    }
    return cril_output_commit(&r->items);
}

static double now_sec(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool run_all(struct cril_eval_run *r)
{
    r->start = now_sec();
    if (!cril_eval_open_all(r))
        return false;
    for (size_t i = 0; i < r->n; i++) {
        cril_widen(&r->name_width, cril_eval_name(r->evals[i]));
        cril_widen(&r->protocol_width, cril_eval_protocol_name(r->evals[i]));
    }
    for (size_t i = 0; i < r->n; i++) {
        if (!run_one(r, r->evals[i]))
            return false;
        print_table(r, r->evals[i], !i);
        cril_eval_print_notes(r, r->evals[i]);
    }
    r->seconds = now_sec() - r->start;
    if (!write_items(r) || (r->set->output && !cril_eval_write_folder(r)))
        return false;
    if (r->set->json && cril_eval_print_json(r) != 0)
        return false;
    if (!cril_stdout_good())
        return false;
    for (size_t i = 0; i < r->n && !r->set->keep; i++)
        cril_eval_done(r->evals[i]);
    return true;
}

static void close_all(struct cril_eval_run *r)
{
    if (r->items.file && !cril_output_good(&r->items))
        cril_output_commit(&r->items); /* reports the failure */
    cril_output_discard(&r->items);
    for (size_t i = 0; i < r->n; i++)
        cril_eval_close(r->evals[i]);
    free((void *)r->evals);
    cril_programs_close(r->programs);
    cril_model_close(r->model);
}

int cril_eval_run_all(const struct cril_eval_args *set)
{
    struct cril_eval_run r = {
        .set = set, .name_width = (int)strlen("task"), .protocol_width = (int)strlen("protocol")};
    bool done;

    cril_progress_init(&r.progress, set->quiet);
    cril_output_catch_signals();
    done = run_all(&r);
    if (!done && cril_output_signal()) {
        print_partial(&r);
        cril_print_note("stopped by a signal; the same command goes on where it was");
    }
    close_all(&r);
    return done ? 0 : cril_output_signal() ? 128 + cril_output_signal() : 1;
}
