/*
 * Data of a benchmark to its facts, which are what a store files it under; and a rough sum of what
 * its items cost, by which cells are ordered and cut into shards. The sum depends on the data and
 * the model alone: prompts and answers are counted once each, since choices and items share what
 * they have in common, and half of what may be generated is.
 */
#include "study/benchmark.h"

#include "sandbox/sandbox.h"
#include "study/stamp.h"
#include "tasks/evaluating.h"
#include "util/fail.h"
#include "util/nearest.h"
#include "util/size.h"

#include <cril/tokenizer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 1 << 16, BYTES_A_TOKEN = 4 };

static cril_status no_memory(const cril_study_benchmark *b, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", b->name);
}

/* ---- What it is ---- */

static cril_status unknown_task(const char *name, cril_error *err)
{
    struct cril_nearest_name nearest = {.word = name};
    const struct cril_task *t;
    char all[400] = "";
    size_t at = 0;

    for (size_t i = 0; (t = cril_task_at(i)); i++) {
        cril_nearest_name_offer(&nearest, t->name);
        if (at < sizeof(all))
            at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", i ? ", " : "", t->name);
    }
    return cril_fail(
        err, CRIL_ERR_RANGE,
        "\"%.60s\" is no task of cril's, and \"data\" asks cril to run it%s%s%s (there "
        "are: %s)",
        name, nearest.best ? "; did you mean \"" : "", nearest.best ? nearest.best : "",
        nearest.best ? "\"?" : "", all);
}

cril_status cril_benchmark_settings(const cril_study_benchmark *b, const struct cril_task **task,
                                    struct cril_task_settings *settings, cril_error *err)
{
    if (!(*task = cril_task_find(b->task)))
        return unknown_task(b->task, err);
    return cril_task_settings_make(*task, b->protocol, NULL, settings, err);
}

static cril_status stamp_folder(const char *folder, const struct cril_task_settings *settings,
                                uint64_t *stamp, cril_error *err)
{
    struct cril_stamps stamps;
    cril_status st = cril_stamps_take(folder, CRIL_STAMPED_CORPUS, &stamps, err);

    if (st != CRIL_OK)
        return st;
    *stamp = cril_stamp_mix(stamps.all, settings->sha256, strlen(settings->sha256));
    cril_stamps_free(&stamps);
    return CRIL_OK;
}

cril_status cril_benchmark_stamp(const cril_study_benchmark *b, uint64_t *stamp, cril_error *err)
{
    struct cril_task_settings settings;
    const struct cril_task *t;
    char *folder = NULL;
    cril_status st = cril_benchmark_settings(b, &t, &settings, err);

    *stamp = 0;
    if (st == CRIL_OK && (st = cril_task_folder(t, b->data, &folder, err)) == CRIL_OK)
        st = stamp_folder(folder, &settings, stamp, err);
    free(folder);
    return st;
}

/* ---- Its items ---- */

/* The subject of an item that is to come behind those there are; NULL: out of memory. */
static cril_store_subject *subject_of(struct cril_benchmark *b, const char *name, size_t *capacity)
{
    cril_store_subject *list;

    for (size_t i = b->n_subjects; i-- > 0;) /* they come one after another */
        if (strcmp(b->subjects[i].name, name) == 0)
            return &b->subjects[i];
    if (!(list = cril_size_grow(b->subjects, capacity, b->n_subjects, 1, sizeof(*list))))
        return NULL;
    b->subjects = list;
    list += b->n_subjects++;
    *list = (cril_store_subject){.items = 0};
    memcpy(list->name, name, strlen(name) + 1);
    return list;
}

/* Which items are asked for is told by the last place of each subject, so places must rise. */
static cril_status count_subjects(struct cril_benchmark *b, cril_error *err)
{
    const struct cril_items *items = &b->evaluation.items;
    size_t capacity = 0;

    for (size_t i = 0; i < items->n; i++) {
        const struct cril_item *item = &items->item[i];
        cril_store_subject *s;

        if (strlen(item->subject) >= sizeof(s->name))
            return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: the subject \"%.60s\" is too long",
                             b->study->data, item->subject);
        if (!(s = subject_of(b, item->subject, &capacity)))
            return no_memory(b->study, err);
        if (item->index >= UINT32_MAX || (s->items && item->index <= s->last))
            return cril_fail(
                err, CRIL_ERR_UNSUPPORTED,
                "%s: items do not come in the order of the data file, or there are too "
                "many",
                b->study->data);
        s->items++;
        s->last = item->index;
    }
    b->facts.items = items->n;
    return CRIL_OK;
}

static cril_status set_facts(struct cril_benchmark *b, cril_error *err)
{
    const struct cril_evaluation *e = &b->evaluation;
    cril_store_benchmark *f = &b->facts;

    if (!e->items.n)
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: holds no item of the task %s", b->study->data,
                         b->study->task);
    if (strlen(e->name) >= sizeof(f->task) || strlen(e->settings.name) >= sizeof(f->protocol))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "the name of the task \"%.60s\" or of its protocol is too long", e->name);
    memcpy(f->task, e->name, strlen(e->name) + 1);
    memcpy(f->protocol, e->settings.name, strlen(e->settings.name) + 1);
    memcpy(f->protocol_sha256, e->settings.sha256, sizeof(f->protocol_sha256));
    memcpy(f->data_sha256, e->data_sha256, sizeof(f->data_sha256));
    f->limit = b->study->limit;
    return cril_store_benchmark_id(f, err);
}

/* ---- What an item costs ---- */

static struct cril_work work_of(const struct cril_evaluation *e, const struct cril_item *item)
{
    struct cril_work w = {.prompt = item->context.len, .answers = item->gold_text.len};

    for (size_t i = 0; i < item->n_choices; i++) {
        w.answers += item->choices[i].text.len;
        w.prompt += item->choices[i].context.len;
    }
    if (item->kind == CRIL_ITEM_GENERATION)
        w.answers += (item->max_tokens ? item->max_tokens : e->settings.protocol.max_tokens) *
                     BYTES_A_TOKEN / 2;
    return w;
}

static void keep_sample(struct cril_benchmark *b, struct cril_bytes text)
{
    const size_t room = SAMPLE - b->n_sample, n = text.len < room ? text.len : room;

    if (n)
        memcpy(b->sample + b->n_sample, text.data, n);
    b->n_sample += n;
}

static cril_status weigh(struct cril_benchmark *b, cril_error *err)
{
    const struct cril_items *items = &b->evaluation.items;

    b->work = calloc(items->n + 1, sizeof(*b->work));
    b->starts = calloc(items->n + 1, sizeof(*b->starts));
    b->sample = malloc(SAMPLE);
    if (!b->work || !b->starts || !b->sample)
        return no_memory(b->study, err);
    for (size_t i = 0; i < items->n; i++) {
        b->work[i] = work_of(&b->evaluation, &items->item[i]);
        b->starts[i + 1] = b->starts[i] + b->work[i].prompt + b->work[i].answers + 1;
        keep_sample(b, items->item[i].context);
        for (size_t k = 0; k < items->item[i].n_choices; k++)
            keep_sample(b, items->item[i].choices[k].text);
    }
    return CRIL_OK;
}

cril_status cril_benchmark_estimate(const struct cril_benchmark *b, const cril_model *m,
                                    double *flops, double *tokens, cril_error *err)
{
    const double max = (double)cril_model_context(m);
    double ratio = 1;
    cril_ids ids = {0};
    cril_status st = cril_tokenizer_encode(cril_model_tokenizer(m), b->sample, b->n_sample,
                                           CRIL_ENCODE_TEXT, &ids, err);

    if (st == CRIL_OK && b->n_sample)
        ratio = (double)ids.n / (double)b->n_sample;
    cril_ids_free(&ids);
    *flops = *tokens = 1; /* no cell is for nothing */
    for (size_t i = 0; i < b->facts.items && st == CRIL_OK; i++) {
        const double answers = ratio * (double)b->work[i].answers + 1,
                     all = ratio * (double)b->work[i].prompt + answers, n = all < max ? all : max;

        *flops += cril_model_flops(m, (size_t)n, (size_t)(answers < n ? answers : n));
        *tokens += n;
    }
    return st;
}

/* ---- Programs ---- */

bool cril_benchmark_runs_programs(const struct cril_benchmark *b)
{
    return b->evaluation.task && b->evaluation.task->program;
}

cril_status cril_benchmark_find_modules(struct cril_benchmark *b, struct cril_sandbox *sandbox,
                                        cril_error *err)
{
    char *needs, *versions = NULL;
    const char *python = cril_sandbox_python(sandbox);
    cril_status st = cril_judge_needs(&b->evaluation, NULL, &needs, err);
    size_t size;

    if (st != CRIL_OK)
        return st;
    if (needs[0])
        st = cril_sandbox_modules(sandbox, needs + strspn(needs, " "), &versions, err);
    free(needs);
    if (st != CRIL_OK)
        return st;
    size = strlen(python) + (versions ? strlen(versions) : 0) + sizeof("Python  ");
    if (!(b->programs = malloc(size)))
        st = no_memory(b->study, err);
    else
        snprintf(b->programs, size, "Python %s%s%s", python, versions && *versions ? " " : "",
                 versions ? versions : "");
    free(versions);
    return st;
}

/* ---- Life ---- */

static cril_status check_stamp(const struct cril_benchmark *b, cril_error *err)
{
    uint64_t now;
    const cril_status st = cril_benchmark_stamp(b->study, &now, err);

    if (st != CRIL_OK)
        return st;
    return now == b->stamp ? CRIL_OK : cril_stamp_changed(b->study->data, err);
}

cril_status cril_benchmark_open(const cril_study_benchmark *study, struct cril_benchmark *b,
                                cril_error *err)
{
    const struct cril_task *t;
    struct cril_task_settings settings;
    cril_status st = cril_benchmark_settings(study, &t, &settings, err);

    b->study = study;
    if (st != CRIL_OK || (st = cril_benchmark_stamp(study, &b->stamp, err)) != CRIL_OK ||
        (st = cril_evaluation_open_task(t, study->protocol, NULL, study->data, study->limit,
                                        &b->evaluation, err)) != CRIL_OK ||
        (st = check_stamp(b, err)) != CRIL_OK || (st = set_facts(b, err)) != CRIL_OK ||
        (st = count_subjects(b, err)) != CRIL_OK)
        return st;
    return weigh(b, err);
}

void cril_benchmark_close(struct cril_benchmark *b)
{
    cril_evaluation_free(&b->evaluation);
    free(b->subjects);
    free(b->work);
    free(b->starts);
    free(b->sample);
    free(b->programs);
    *b = (struct cril_benchmark){0};
}
