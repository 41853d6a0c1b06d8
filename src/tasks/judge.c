/* What is right of a generated text: by the task's rules, by a program in the sandbox, or, without
 * a task, by being one of the answers. */
#include "sandbox/sandbox.h"
#include "tasks/evaluating.h"
#include "tasks/item_lines.h"
#include "tasks/requests.h"
#include "util/fail.h"

#include <stdlib.h>
#include <string.h>

/* ---- Programs ---- */

static cril_status run_program(struct cril_sandbox *sandbox, const struct cril_task_program *p,
                               json_t *line, cril_error *err)
{
    static const char lacks_network[] = "not run: it needs the network";
    const struct cril_sandbox_program program = {.source = {p->source, p->len},
                                                 .wall_sec = p->wall_sec,
                                                 .cpu_sec = p->cpu_sec,
                                                 .as_library = p->as_library,
                                                 .memory_bytes = p->memory_bytes};
    struct cril_sandbox_outcome out = {0};
    const char *result = p->network ? lacks_network : out.message;
    const cril_status st = p->network ? CRIL_OK : cril_sandbox_run(sandbox, &program, &out, err);
    json_t *passed;

    if (st != CRIL_OK)
        return st;
    passed = p->network ? json_null() : json_boolean(out.end == CRIL_SANDBOX_PASSED);
    if (json_object_set_new(line, "passed", passed) ||
        !cril_line_set_text(line, "result", result, strlen(result)))
        return cril_evaluating_no_memory(err);
    return CRIL_OK;
}

cril_status cril_judge_program(const struct cril_evaluation *e, struct cril_sandbox *sandbox,
                               const struct cril_item *item, struct cril_bytes text, bool whole,
                               json_t *line, cril_error *err)
{
    struct cril_task_program p = {0};
    cril_status st = e->task->program(&e->settings, item, text, whole, &p, err);

    if (st == CRIL_OK)
        st = run_program(sandbox, &p, line, err);
    free(p.source);
    return st;
}

/* ---- Answers ---- */

static cril_status by_rules(cril_rules *rules, const struct cril_item *item, json_t *line,
                            cril_error *err)
{
    json_t *in = json_copy(item->answers);
    cril_status st = in && !json_object_set(in, "text", json_object_get(line, "text"))
                         ? CRIL_OK
                         : cril_evaluating_no_memory(err);

    if (st == CRIL_OK)
        st = rules(in, line, err);
    json_decref(in);
    return st;
}

cril_status cril_judge(const struct cril_evaluation *e, struct cril_sandbox *sandbox,
                       const struct cril_item *item, struct cril_bytes text, json_t *line,
                       cril_error *err)
{
    if (e->task && e->task->program)
        return cril_judge_program(e, sandbox, item, text, false, line, err);
    if (!item->answers || (e->task && !e->task->rules))
        return CRIL_OK;
    return by_rules(e->task ? e->task->rules : cril_rules_exact, item, line, err);
}

/* ---- What programs need ---- */

static bool has_word(const char *words, const char *word, size_t n)
{
    for (const char *at = words; (at = strstr(at, " ")) != NULL; at++)
        if (strncmp(at + 1, word, n) == 0 && (at[1 + n] == ' ' || !at[1 + n]))
            return true;
    return false;
}

/* words: each with a blank before it. False: out of memory. */
static bool add_words(char **words, const char *more)
{
    while (*(more += strspn(more, " "))) {
        const size_t n = strcspn(more, " "), len = strlen(*words);
        char *grown;

        if (!has_word(*words, more, n)) {
            if (!(grown = realloc(*words, len + n + 2)))
                return false;
            *words = grown;
            grown[len] = ' ';
            memcpy(grown + len + 1, more, n);
            grown[len + 1 + n] = '\0';
        }
        more += n;
    }
    return true;
}

cril_status cril_judge_needs(const struct cril_evaluation *e, const bool *wanted, char **needs,
                             cril_error *err)
{
    char *words = calloc(1, 1);
    cril_status st = words ? CRIL_OK : cril_evaluating_no_memory(err);

    for (size_t i = 0; i < e->items.n && st == CRIL_OK; i++) {
        struct cril_task_program p = {0};

        if (wanted && !wanted[i])
            continue;
        st = e->task->program(&e->settings, &e->items.item[i], (struct cril_bytes){"", 0}, false,
                              &p, err);
        if (st == CRIL_OK && p.needs && !p.network && !add_words(&words, p.needs))
            st = cril_evaluating_no_memory(err);
        free(p.source);
    }
    if (st == CRIL_OK)
        *needs = words;
    else
        free(words);
    return st;
}
