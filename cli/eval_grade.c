/* cril eval --grade: lines to standard output, sums to standard error. */
#include "evaluating.h"
#include "reads.h"

#include <errno.h>
#include <string.h>

static int poll(void *user)
{
    (void)user;
    return cril_output_signal() != 0;
}

/* The data of a task with programs, and the sandbox. */
static bool open_programs(const struct cril_eval_args *s, cril_eval **e, cril_programs **p)
{
    const cril_eval_settings wanted = {.protocol = s->protocol};
    cril_error err;

    if (!s->data) {
        cril_print_error("--grade %s needs --data: the tests of its programs are there", s->grade);
        return false;
    }
    if (cril_eval_open_task(s->grade, s->data, &wanted, e, &err) == CRIL_OK &&
        cril_programs_open(s->python, p, &err) == CRIL_OK)
        return true;
    cril_print_error("%s", err.message);
    return false;
}

static bool runs_programs(const char *task)
{
    cril_eval_task t;

    for (size_t i = 0; cril_eval_task_at(i, &t); i++)
        if (strcmp(t.name, task) == 0)
            return t.runs_programs;
    return false;
}

static void print_sums(const cril_grade *g)
{
    for (size_t i = 0; i < g->n_verdicts; i++)
        cril_print_note("%s: %zu of %zu", g->verdict[i].name, g->verdict[i].n_true,
                        g->verdict[i].n);
    for (size_t i = 0; i < g->n_passes; i++)
        cril_print_note("pass@%zu: %.4f of %zu tasks", g->pass[i].k, g->pass[i].value, g->tasks);
    if (g->missing)
        cril_print_note("%zu task%s no sample, such as %s", g->missing,
                        g->missing == 1 ? " has" : "s have", g->first_missing);
}

int cril_eval_grade_file(const struct cril_eval_args *set, const char *path)
{
    cril_eval *e = NULL;
    cril_programs *programs = NULL;
    cril_grade grade;
    cril_error err = {0};
    cril_status st = CRIL_ERR_RANGE;

    cril_reads_file("the file of answers", path);
    cril_output_catch_signals();
    if (!runs_programs(set->grade) || open_programs(set, &e, &programs)) {
        errno = 0;
        st = cril_grade_file(set->grade, path, e, programs, stdout, poll, NULL, &grade, &err);
        if (st == CRIL_ERR_IO && ferror(stdout))
            cril_stdout_failed(errno);
        else if (st != CRIL_OK && !cril_output_signal())
            cril_print_error("%s", err.message);
        else if (st == CRIL_OK && !set->quiet)
            print_sums(&grade);
    }
    cril_eval_close(e);
    cril_programs_close(programs);
    return st == CRIL_OK ? 0 : cril_output_signal() ? 128 + cril_output_signal() : 1;
}
