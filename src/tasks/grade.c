/*
 * Answers without a model: each line of a file gets what the rules of a task take from it, or what
 * became of its program. Of programs, several lines of one task are samples: pass@k by the
 * estimator without bias of Chen et al. 2021 ("Evaluating Large Language Models Trained on Code",
 * eq. 1): 1 - C(n - c, k) / C(n, k).
 */
#include <cril/eval.h>

#include "sandbox/sandbox.h"
#include "tasks/data.h"
#include "tasks/eval.h"
#include "tasks/evaluating.h"
#include "tasks/item_lines.h"
#include "tasks/python_list.h"
#include "tasks/requests.h"
#include "util/arena.h"
#include "util/fail.h"

#include <cril/number.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct tally {
    const char *id;
    size_t item, n, passed;
};

struct grading {
    const char *path;
    size_t line;
    cril_rules *rules;
    const struct cril_evaluation *e; /* of programs; NULL: rules judge */
    struct cril_sandbox *sandbox;
    struct tally *tallies; /* [e->items.n] by id */
    cril_grade *out;
    cril_error *err;
};

static cril_status no_memory(const struct grading *g)
{
    return cril_fail(g->err, CRIL_ERR_NOMEM, "%s: out of memory", g->path);
}

static cril_status fault(const struct grading *g, const char *what)
{
    return cril_fail(g->err, CRIL_ERR_FORMAT, "%s:%zu: %s", g->path, g->line, what);
}

/* ---- Texts ---- */

/* The response of a line of lm-evaluation-harness' samples. */
static const json_t *response_of(const json_t *line)
{
    const json_t *v = json_object_get(line, "resps");

    while (json_is_array(v))
        v = json_array_get(v, 0);
    return json_is_string(v) ? v : NULL;
}

/* What the rules read of it: its text, and its target as gold and as references. */
static json_t *from_sample(const json_t *line, const json_t *text)
{
    const json_t *target = json_object_get(line, "target");
    json_t *list = json_is_string(target) ? json_copy((json_t *)target) : NULL;
    json_t *in;

    if (!list ||
        !cril_python_list(
            (struct cril_bytes){json_string_value(target), json_string_length(target)}, &list)) {
        json_decref(list);
        return NULL;
    }
    if (!json_is_array(list))
        list = json_pack("[o]", list);
    in = json_pack("{s:O, s:O, s:o}", "text", text, "gold", target, "references", list);
    return in;
}

static cril_status by_rules(struct grading *g, json_t *line)
{
    const json_t *text = json_object_get(line, "text") ? NULL : response_of(line);
    json_t *in;
    cril_error why = {0};
    cril_status st;

    if (text && !json_is_string(json_object_get(line, "target")))
        return fault(g, "has \"resps\" but no \"target\" that is a text");
    if (!(in = text ? from_sample(line, text) : json_incref(line)))
        return no_memory(g);
    st = g->rules(in, line, &why);
    json_decref(in);
    return st == CRIL_ERR_FORMAT ? fault(g, why.message)
           : st == CRIL_OK       ? st
                                 : cril_fail(g->err, st, "%s", why.message);
}

/* ---- Programs ---- */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct tally *)a)->id, ((const struct tally *)b)->id);
}

static cril_status list_ids(struct grading *g)
{
    const struct cril_items *items = &g->e->items;

    if (!(g->tallies = calloc(items->n + 1, sizeof(*g->tallies))))
        return no_memory(g);
    for (size_t i = 0; i < items->n; i++)
        g->tallies[i] = (struct tally){.id = items->item[i].id ? items->item[i].id : "", .item = i};
    qsort(g->tallies, items->n, sizeof(*g->tallies), by_id);
    return CRIL_OK;
}

/* What names the task that a line is a sample of: a text, or a number. NULL: nothing does. */
static const char *task_id_of(const json_t *line, char number[24])
{
    const json_t *id = json_object_get(line, "task_id");

    if (!id)
        id = json_object_get(json_object_get(line, "doc"), "task_id");
    if (json_is_integer(id))
        snprintf(number, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    return json_is_string(id) ? json_string_value(id) : json_is_integer(id) ? number : NULL;
}

/* NULL: the data do not have it. */
static struct tally *find_task(const struct grading *g, const char *id)
{
    const struct tally wanted = {.id = id};

    return bsearch(&wanted, g->tallies, g->e->items.n, sizeof(wanted), by_id);
}

/* The sandbox's Python has the modules of the tasks that have samples. A line that is none is left
 * to its turn. */
static cril_status check_modules(struct grading *g, const struct cril_data *data)
{
    bool *wanted = calloc(g->e->items.n + 1, sizeof(*wanted));
    char *needs = NULL, *versions = NULL, number[24];
    cril_status st = wanted ? CRIL_OK : no_memory(g);

    for (size_t i = 0; i < data->n && wanted; i++) {
        const char *id = task_id_of(data->record[i].value, number);
        const struct tally *t = id ? find_task(g, id) : NULL;

        if (t)
            wanted[t->item] = true;
    }
    if (st == CRIL_OK)
        st = cril_judge_needs(g->e, wanted, &needs, g->err);
    if (st == CRIL_OK && *needs)
        st = cril_sandbox_modules(g->sandbox, needs, &versions, g->err);
    free(wanted);
    free(needs);
    free(versions);
    return st;
}

static cril_status by_program(struct grading *g, json_t *line)
{
    const json_t *solution = json_object_get(line, "solution"),
                 *text = solution ? solution : json_object_get(line, "completion");
    char number[24], what[200];
    const char *id = task_id_of(line, number);
    struct tally *t = id ? find_task(g, id) : NULL;
    cril_status st;

    if (!id)
        return fault(g, "has no \"task_id\"");
    if (!t) {
        snprintf(what, sizeof(what), "\"task_id\" is \"%.80s\", which the data do not have", id);
        return fault(g, what);
    }
    if (!text)
        text = response_of(line);
    if (!json_is_string(text))
        return fault(g, "has no text \"completion\" or \"solution\"");
    st = cril_judge_program(g->e, g->sandbox, &g->e->items.item[t->item],
                            (struct cril_bytes){json_string_value(text), json_string_length(text)},
                            solution != NULL, line, g->err);
    if (st == CRIL_OK) {
        t->n++;
        t->passed += json_is_true(json_object_get(line, "passed"));
    }
    return st;
}

/* 1 - C(n - c, k) / C(n, k), as a product. */
static double pass_at(size_t n, size_t c, size_t k)
{
    double none = 1;

    if (n - c < k)
        return 1;
    for (size_t i = n - c + 1; i <= n; i++)
        none *= 1 - (double)k / (double)i;
    return 1 - none;
}

static void sum_programs(struct grading *g)
{
    static const size_t ks[CRIL_GRADE_PASSES] = {1, 10, 100};
    cril_grade *o = g->out;
    size_t fewest = SIZE_MAX;

    for (size_t i = 0; i < g->e->items.n; i++) {
        const struct tally *t = &g->tallies[i];

        o->tasks += t->n > 0;
        if (!t->n && !o->missing++)
            snprintf(o->first_missing, sizeof(o->first_missing), "%s", t->id);
        if (t->n && t->n < fewest)
            fewest = t->n;
    }
    for (size_t p = 0; o->tasks && p < CRIL_GRADE_PASSES && ks[p] <= fewest; p++) {
        double sum = 0;

        for (size_t i = 0; i < g->e->items.n; i++)
            if (g->tallies[i].n)
                sum += pass_at(g->tallies[i].n, g->tallies[i].passed, ks[p]);
        o->pass[o->n_passes].k = ks[p];
        o->pass[o->n_passes++].value = sum / (double)o->tasks;
    }
}

/* ---- Lines ---- */

/* Counts the truth values that were added: those that were not in the line before. */
static void count_verdicts(struct grading *g, const json_t *line, size_t n_before)
{
    cril_grade *o = g->out;
    const char *key;
    json_t *v;
    size_t at = 0;

    json_object_foreach((json_t *)line, key, v)
    {
        size_t i = 0;

        if (at++ < n_before || !json_is_boolean(v))
            continue;
        while (i < o->n_verdicts && strcmp(o->verdict[i].name, key) != 0)
            i++;
        if (i == CRIL_GRADE_VERDICTS || strlen(key) >= sizeof(o->verdict[i].name))
            continue;
        if (i == o->n_verdicts)
            strcpy(o->verdict[o->n_verdicts++].name, key);
        o->verdict[i].n++;
        o->verdict[i].n_true += json_is_true(v);
    }
}

static cril_status grade_line(struct grading *g, json_t *line, FILE *f)
{
    const size_t n_before = json_object_size(line);
    cril_status st = !json_is_object(line) ? fault(g, "is no object")
                     : g->e                ? by_program(g, line)
                                           : by_rules(g, line);
    size_t len = 0;
    char *text;

    if (st != CRIL_OK)
        return st;
    count_verdicts(g, line, n_before);
    if (!(text = cril_line_print(line, &len)))
        return no_memory(g);
    if (fwrite(text, 1, len, f) != len || putc('\n', f) == EOF || fflush(f) != 0)
        st = cril_fail(g->err, CRIL_ERR_IO, "lines could not be written: %s", strerror(errno));
    free(text);
    return st;
}

static cril_status grade_file(struct grading *g, FILE *f, int (*poll)(void *user), void *user)
{
    struct cril_data data = {0};
    cril_status st = cril_data_read(g->path, "--grade", "one answer a line", 0, &data, g->err);

    if (st == CRIL_OK && g->e)
        st = check_modules(g, &data);
    for (size_t i = 0; st == CRIL_OK && i < data.n; i++) {
        g->line = (size_t)data.record[i].line;
        st = grade_line(g, data.record[i].value, f);
        g->out->lines += st == CRIL_OK;
        if (st == CRIL_OK && poll && poll(user))
            st = cril_fail(g->err, CRIL_ERR_CANCELLED, "stopped");
    }
    cril_data_free(&data);
    return st;
}

cril_status cril_grade_file(const char *task, const char *path, cril_eval *programs_of,
                            cril_programs *programs, FILE *f, int (*poll)(void *user), void *user,
                            cril_grade *out, cril_error *err)
{
    if (CRIL_LACKS(err, task, path, f, out))
        return CRIL_ERR_RANGE;

    const struct cril_task *t = cril_task_find(task);
    const bool exact = strcmp(task, "exact") == 0;
    struct grading g = {.path = path, .out = out, .err = err};
    cril_status st = CRIL_OK;

    *out = (cril_grade){0};
    if (!t && !exact)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "there is no task \"%.80s\"; 'cril eval --list' lists what there is",
                         task);
    g.rules = exact ? cril_rules_exact : t->rules;
    if (t && t->program) {
        if (CRIL_LACKS(err, programs_of, programs))
            return CRIL_ERR_RANGE;
        g.e = &programs_of->evaluation;
        g.sandbox = cril_programs_sandbox(programs);
        st = list_ids(&g);
    } else if (!g.rules) {
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: its answers are choices, which have no rule to grade by", task);
    }
    if (st == CRIL_OK)
        st = grade_file(&g, f, poll, user);
    if (st == CRIL_OK && g.e)
        sum_programs(&g);
    free(g.tallies);
    return st;
}
