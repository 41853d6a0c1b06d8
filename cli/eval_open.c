/* Everything that can be refused is refused here, before the long work: tasks, data, outputs, the
 * sandbox, the model. */
#include "evaluating.h"
#include "reads.h"
#include "warnings.h"

#include <stdlib.h>
#include <string.h>

static cril_eval_settings settings_of(const struct cril_eval_args *s)
{
    return (cril_eval_settings){.protocol = s->protocol,
                                .draw = s->draw,
                                .has_shots = s->shots != CRIL_NO_SHOTS,
                                .shots = s->shots != CRIL_NO_SHOTS ? s->shots : 0,
                                .window = s->window,
                                .max_tokens = s->max_tokens,
                                .limit = s->limit};
}

static bool say(const cril_error *err)
{
    cril_print_error("%s", err->message);
    return false;
}

/* Two evaluations of one name and protocol could not be told apart in the outputs. */
static bool add(struct cril_eval_run *r, cril_eval *e)
{
    cril_eval **grown = realloc((void *)r->evals, (r->n + 1) * sizeof(*grown));

    if (!grown) {
        cril_eval_close(e);
        cril_print_error("out of memory");
        return false;
    }
    r->evals = grown;
    r->evals[r->n++] = e;
    for (size_t i = 0; i + 1 < r->n; i++)
        if (strcmp(cril_eval_name(r->evals[i]), cril_eval_name(e)) == 0) {
            cril_print_error("%s is named twice; name each task once", cril_eval_name(e));
            return false;
        }
    return true;
}

static bool open_task(void *user, const char *name)
{
    struct cril_eval_run *r = user;
    const cril_eval_settings wanted = settings_of(r->set);
    cril_eval *e;
    cril_error err;

    return cril_eval_open_task(name, r->set->data, &wanted, &e, &err) == CRIL_OK ? add(r, e)
                                                                                 : say(&err);
}

static bool open_task_file(void *user, const char *path)
{
    struct cril_eval_run *r = user;
    const cril_eval_settings wanted = settings_of(r->set);
    cril_eval *e;
    cril_error err;

    cril_reads_file("a task file", path);
    return cril_eval_open_task_file(path, r->set->data, &wanted, &e, &err) == CRIL_OK ? add(r, e)
                                                                                      : say(&err);
}

static bool open_all_tasks(struct cril_eval_run *r)
{
    cril_eval_task t;

    for (size_t i = 0; cril_eval_task_at(i, &t); i++)
        if (!open_task(r, t.name))
            return false;
    return true;
}

static bool open_evals(struct cril_eval_run *r)
{
    const struct cril_eval_args *s = r->set;
    const cril_eval_settings wanted = settings_of(s);
    cril_eval *e;
    cril_error err;

    if (s->tasks && strcmp(s->tasks, "all") == 0) {
        if (!open_all_tasks(r))
            return false;
    } else if (s->tasks && !cril_args_words(s->tasks, open_task, r)) {
        return false;
    }
    if (s->task_file && !cril_args_words(s->task_file, open_task_file, r))
        return false;
    if (s->requests && cril_eval_open_requests(s->requests, &wanted, &e, &err) != CRIL_OK)
        return say(&err);
    if (s->requests && !add(r, e))
        return false;
    if (!r->n)
        cril_print_error("--tasks names no task; 'cril eval --list' lists them");
    return r->n > 0;
}

static bool open_programs(struct cril_eval_run *r)
{
    cril_error err;

    for (size_t i = 0; i < r->n; i++) {
        if (r->set->dry_run || !cril_eval_runs_programs(r->evals[i]))
            continue;
        if (!r->programs && cril_programs_open(r->set->python, &r->programs, &err) != CRIL_OK)
            return say(&err);
        if (cril_eval_check_programs(r->evals[i], r->programs, &err) != CRIL_OK)
            return say(&err);
    }
    return true;
}

static bool open_model(struct cril_eval_run *r)
{
    cril_error err;

    if (cril_model_open(r->set->model, &r->model, &err) != CRIL_OK)
        return say(&err);
    if (!r->set->quiet)
        cril_print_warnings(r->model);
    return true;
}

bool cril_eval_open_all(struct cril_eval_run *r)
{
    const struct cril_eval_args *s = r->set;

    return (!s->items || cril_output_check(s->items, s->force)) && open_evals(r) &&
           open_programs(r) && (!s->items || cril_output_open(&r->items, s->items, s->force)) &&
           open_model(r);
}
