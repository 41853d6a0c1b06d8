/* Two files of items, task by task: scores, what one model alone gets right, bits per byte. */
#include "comparing.h"

#include "output.h"
#include "table.h"

#include <cril/items.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Notes ---- */

static void note_one_side(const cril_items_pair *t, const char *file, size_t n, const char *first)
{
    if (n)
        cril_print_note("%s, %s: %zu item%s only in %s, such as %s; left out", t->task, t->protocol,
                        n, n == 1 ? " is" : "s are", file, first);
}

static void print_notes(const cril_items_comparison *c, const char *a, const char *b)
{
    for (size_t i = 0; i < c->n_only_a; i++)
        cril_print_note("%s is only in %s and is left out", c->only_a[i], a);
    for (size_t i = 0; i < c->n_only_b; i++)
        cril_print_note("%s is only in %s and is left out", c->only_b[i], b);
    for (size_t i = 0; i < c->n; i++) {
        const cril_items_pair *t = &c->tasks[i];

        note_one_side(t, a, t->n_only_a, t->first_only_a);
        note_one_side(t, b, t->n_only_b, t->first_only_b);
        if (t->n_other_prompt)
            cril_print_note("%s, %s: the prompts of %zu item%s differ, so the data or the shots "
                            "were not the same",
                            t->task, t->protocol, t->n_other_prompt,
                            t->n_other_prompt == 1 ? "" : "s");
    }
}

/* ---- Table ---- */

static const char *verdict(const cril_paired *p, const char *above, const char *below)
{
    if (!p->n)
        return "-";
    if (isnan(p->low))
        return "too few items";
    if (p->difference == 0 && p->se == 0)
        return "the same";
    if (p->low > 0)
        return above;
    return p->high < 0 ? below : "undecided";
}

static void print_row(const char *name, int width, const char *what, const cril_paired *p,
                      const char *above, const char *below)
{
    char interval[64] = "-", se[32] = "-";

    if (!isnan(p->low))
        snprintf(interval, sizeof(interval), "%+.4f .. %+.4f", p->low, p->high);
    if (!isnan(p->se))
        snprintf(se, sizeof(se), "%.4f", p->se);
    cril_print_padded(stdout, name, width);
    printf("  %-12s %7zu %8.4f %8.4f %+9.4f %8s %20s  %s\n", what, p->n, p->a, p->b, p->difference,
           se, interval, verdict(p, above, below));
}

/* "task protocol"; owned. */
static char *name_of(const cril_items_pair *t)
{
    const size_t size = strlen(t->task) + strlen(t->protocol) + 2;
    char *name = malloc(size);

    if (name)
        snprintf(name, size, "%s %s", t->task, t->protocol);
    return name;
}

static void print_table(const cril_items_comparison *c, double level)
{
    int width = (int)strlen("task");
    char interval[64];

    for (size_t i = 0; i < c->n; i++) {
        char *name = name_of(&c->tasks[i]);

        if (name)
            cril_widen(&width, name);
        free(name);
    }
    snprintf(interval, sizeof(interval), "%.0f %% interval", 100 * (level > 0 ? level : 0.95));
    printf("%-*s  %-12s %7s %8s %8s %9s %8s %20s  %s\n", width, "task", "metric", "items", "A", "B",
           "B - A", "se", interval, "verdict");
    for (size_t i = 0; i < c->n; i++) {
        const cril_items_pair *t = &c->tasks[i];
        char *name = name_of(t);

        if (name && t->score.n)
            print_row(name, width, t->metric, &t->score, "B is better", "B is worse");
        if (name && t->bpb.n)
            print_row(name, width, "BPB", &t->bpb, "B needs more bits", "B needs fewer bits");
        free(name);
    }
}

static void print_tests(const cril_items_comparison *c)
{
    bool first = true;

    for (size_t i = 0; i < c->n; i++) {
        const cril_items_pair *t = &c->tasks[i];

        if (isnan(t->p))
            continue;
        if (first)
            putchar('\n');
        first = false;
        printf("%s, %s: A alone is right on %zu items, B alone on %zu; McNemar's exact test: p = "
               "%.4g\n",
               t->task, t->protocol, t->only_a_right, t->only_b_right, t->p);
    }
}

/* ---- JSON ---- */

static json_t *figure(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *paired_json(const cril_paired *p)
{
    if (!p->n)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "items", (json_int_t)p->n, "a",
                     figure(p->a), "b", figure(p->b), "difference", figure(p->difference), "se",
                     figure(p->se), "low", figure(p->low), "high", figure(p->high));
}

static json_t *task_json(const cril_items_pair *t)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "task",
                     cril_json_string(t->task), "protocol", cril_json_string(t->protocol), "metric",
                     cril_json_string(t->metric), "score", paired_json(&t->score), "only_a_right",
                     (json_int_t)t->only_a_right, "only_b_right", (json_int_t)t->only_b_right, "p",
                     figure(t->p), "bpb", paired_json(&t->bpb), "bpb_total_a", figure(t->total_a),
                     "bpb_total_b", figure(t->total_b), "other_prompts",
                     (json_int_t)t->n_other_prompt, "only_in_a", (json_int_t)t->n_only_a,
                     "only_in_b", (json_int_t)t->n_only_b);
}

static int print_json(const cril_items_comparison *c, const char *a, const char *b, double level)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < c->n; i++)
        if (json_array_append_new(list, task_json(&c->tasks[i]))) {
            json_decref(list);
            list = NULL;
        }
    return cril_print_json(json_pack("{s:o, s:o, s:f, s:o}", "a", cril_json_string(a), "b",
                                     cril_json_string(b), "level", level > 0 ? level : 0.95,
                                     "tasks", list),
                           JSON_INDENT(1));
}

int cril_compare_items(const char *a, const char *b, double level, bool json)
{
    cril_items_comparison c;
    cril_error err;
    int code = 0;

    if (cril_items_compare(a, b, level, &c, &err) != CRIL_OK)
        return cril_print_error("%s", err.message);
    print_notes(&c, a, b);
    if (json) {
        code = print_json(&c, a, b, level);
    } else {
        print_table(&c, level);
        print_tests(&c);
    }
    cril_items_comparison_free(&c);
    return code;
}
