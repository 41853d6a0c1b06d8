/*
 * results_DATE.json as lm-evaluation-harness 0.4.13 writes it (evaluator.py, evaluator_utils.py,
 * loggers/evaluation_tracker.py). Subjects are tasks of a group there. What only a run of that
 * program knows is null; "git_hash" names the program that ran.
 */
#include "tasks/eval.h"
#include "util/fail.h"

#include <cril/number.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for results");
}

/* All of a file; a member that could not be made is NULL, so the whole is. */
struct results {
    json_t *results, *groups, *subtasks, *configs, *versions, *shots, *higher, *samples, *hashes;
    bool failed;
};

/* value is taken. */
static void put(struct results *r, json_t *o, const char *key, json_t *value)
{
    r->failed |= json_object_set_new(o, key, value) != 0;
}

static json_t *figure(double v, const char *none)
{
    return isfinite(v) ? json_real(v) : json_string(none);
}

/* ---- Scores ---- */

static void put_score(struct results *r, json_t *o, const struct cril_logged_metric *m,
                      const cril_eval_score *s)
{
    char key[128];

    if (isnan(s->score))
        return;
    snprintf(key, sizeof(key), "%s,%s", m->metric, m->filter);
    put(r, o, key, json_real(s->score));
    snprintf(key, sizeof(key), "%s_stderr,%s", m->metric, m->filter);
    put(r, o, key, figure(s->se, "N/A"));
}

static void put_bits(struct results *r, json_t *o, const cril_eval_score *s, bool rolling)
{
    if (!s->gold_items)
        return;
    if (rolling) {
        put(r, o, "bits_per_byte,none", json_real(s->bpb_total));
        put(r, o, "byte_perplexity,none", json_real(exp2(s->bpb_total)));
        return;
    }
    put(r, o, "gold_bits_per_byte,none", json_real(s->bpb));
    put(r, o, "gold_bits_per_byte_total,none", json_real(s->bpb_total));
}

/* The object of a task or group in "results". */
static json_t *result_of(struct results *r, const char *name)
{
    json_t *o = json_object_get(r->results, name);

    if (!o) {
        put(r, r->results, name, json_pack("{s:s, s:s}", "name", name, "alias", name));
        o = json_object_get(r->results, name);
    }
    return o;
}

static cril_status put_metric(struct results *r, const cril_eval *e,
                              const struct cril_logged_metric *m, bool last, cril_error *err)
{
    struct cril_evaluation by = e->evaluation;
    struct cril_evaluation_sum *sum = NULL;
    const cril_eval_score *s;
    const bool rolling = by.items.n && by.items.item[0].kind == CRIL_ITEM_ROLLING;
    cril_status st;
    size_t n = 0;

    by.settings.protocol.metric = m ? m->verdict : NULL; /* sums of the same lines by another */
    if ((st = cril_evaluation_sum_create(&by, &sum, err)) == CRIL_OK)
        st = cril_eval_add_lines(e, sum, err);
    if (st != CRIL_OK) {
        cril_evaluation_sum_free(sum);
        return st;
    }
    s = cril_evaluation_sum_scores(sum, &n);
    for (size_t i = 0; s && i < n; i++) {
        const bool is_part = n == 1 || i;
        const struct cril_eval_part *part = is_part ? &e->parts[i - (n > 1)] : NULL;
        json_t *o = result_of(r, is_part ? part->name : by.name);

        if (m)
            put_score(r, o, m, &s[i]);
        if (last) {
            put(r, o, "sample_len", json_integer((json_int_t)(s[i].items - s[i].errors)));
            put_bits(r, o, &s[i], rolling);
        }
        if (last && is_part)
            put(r, r->samples, part->name,
                json_pack("{s:I, s:I}", "original", (json_int_t)s[i].items, "effective",
                          (json_int_t)(s[i].items - s[i].errors)));
    }
    r->failed |= !s;
    cril_evaluation_sum_free(sum);
    return CRIL_OK;
}

/* ---- Configurations ---- */

/* What stands before a choice and does not count in its length. */
static const char *delimiter(const struct cril_items *items)
{
    for (size_t i = 0; i < items->n; i++)
        for (size_t k = 0; items->item[i].kind == CRIL_ITEM_CHOICES && k < items->item[i].n_choices;
             k++)
            if (!items->item[i].choices[k].text.len || *items->item[i].choices[k].text.data != ' ')
                return "";
    return " ";
}

static json_t *config_json(const cril_eval *e, const struct cril_eval_part *part)
{
    static const char *const types[] = {[CRIL_ITEM_CHOICES] = "multiple_choice",
                                        [CRIL_ITEM_GENERATION] = "generate_until",
                                        [CRIL_ITEM_ROLLING] = "loglikelihood_rolling"};
    const struct cril_task_protocol *p = &e->evaluation.settings.protocol;
    const struct cril_items *items = &e->evaluation.items;
    const struct cril_item *first = items->n ? &items->item[0] : NULL;
    json_t *until = json_array();
    json_t *o =
        json_pack("{s:s, s:s?, s:s, s:i, s:i, s:b, s:{s:i, s:s, s:s, s:s}}", "task", part->name,
                  "target_delimiter", delimiter(items), "output_type",
                  first ? types[first->kind] : "multiple_choice", "num_fewshot", (int)p->shots,
                  "repeats", 1, "should_decontaminate", 0, "metadata", "version", (int)p->version,
                  "protocol", e->evaluation.settings.name, "protocol_sha256",
                  e->evaluation.settings.sha256, "data_sha256", e->evaluation.data_sha256);

    for (size_t i = 0; first && i < first->n_until; i++)
        json_array_append_new(until, json_stringn(first->until[i].data, first->until[i].len));
    if (first && first->kind == CRIL_ITEM_GENERATION)
        json_object_set_new(o, "generation_kwargs",
                            json_pack("{s:O, s:I, s:b}", "until", until, "max_gen_toks",
                                      (json_int_t)first->max_tokens, "do_sample", 0));
    json_decref(until);
    return o;
}

static json_t *directions_json(const cril_eval *e, const struct cril_logged_metric *m, size_t n)
{
    json_t *o = json_object();
    const bool rolling =
        e->evaluation.items.n && e->evaluation.items.item[0].kind == CRIL_ITEM_ROLLING;

    for (size_t i = 0; i < n; i++)
        json_object_set_new(o, m[i].metric, json_true());
    json_object_set_new(o, rolling ? "bits_per_byte" : "gold_bits_per_byte", json_false());
    json_object_set_new(o, rolling ? "byte_perplexity" : "gold_bits_per_byte_total", json_false());
    return o;
}

static void put_part(struct results *r, const cril_eval *e, const struct cril_eval_part *part,
                     const struct cril_logged_metric *m, size_t n)
{
    const struct cril_task_protocol *p = &e->evaluation.settings.protocol;

    put(r, r->configs, part->name, config_json(e, part));
    put(r, r->versions, part->name, json_integer(p->version));
    put(r, r->shots, part->name, json_integer((json_int_t)p->shots));
    put(r, r->higher, part->name, directions_json(e, m, n));
    put(r, r->hashes, part->name, json_string(part->sha256));
}

static void put_group(struct results *r, const cril_eval *e, const struct cril_logged_metric *m,
                      size_t n)
{
    const char *name = e->evaluation.name;
    json_t *parts = json_array();

    for (size_t i = 0; i < e->n_parts; i++)
        json_array_append_new(parts, json_string(e->parts[i].name));
    put(r, r->subtasks, name, parts);
    put(r, r->versions, name, json_integer(e->evaluation.settings.protocol.version));
    put(r, r->shots, name, json_integer((json_int_t)e->evaluation.settings.protocol.shots));
    put(r, r->higher, name, directions_json(e, m, n));
    put(r, r->groups, name, json_deep_copy(json_object_get(r->results, name)));
}

static cril_status put_eval(struct results *r, cril_eval *e, cril_error *err)
{
    struct cril_logged_metric m[CRIL_LOGGED_METRICS];
    const size_t n = cril_logged_metrics(e, m);
    cril_status st = cril_eval_need_parts(e, err);

    for (size_t i = 0; i < (n ? n : 1) && st == CRIL_OK; i++)
        st = put_metric(r, e, n ? &m[i] : NULL, i + 1 >= n, err);
    for (size_t i = 0; i < e->n_parts && st == CRIL_OK; i++)
        put_part(r, e, &e->parts[i], m, n);
    if (st == CRIL_OK && e->n_parts && e->parts[0].subject)
        put_group(r, e, m, n);
    return st;
}

/* ---- The file ---- */

static json_t *whole(struct results *r, const cril_eval_facts *facts)
{
    char seconds[CRIL_NUMBER_SIZE];
    json_t *o = json_pack("{s:O}", "results", r->results);
    json_t *config = json_pack(
        "{s:s, s:s+, s:n, s:[], s:n, s:n, s:o, s:n, s:n, s:i, s:i, s:i, s:i}", "model", "cril",
        "model_args", "pretrained=", facts->model, "batch_size", "batch_sizes", "device",
        "use_cache", "limit", facts->limit ? json_real((double)facts->limit) : json_null(),
        "bootstrap_iters", "gen_kwargs", "random_seed", 0, "numpy_seed", 1234, "torch_seed", 1234,
        "fewshot_seed", 1234);
    json_t *rest =
        json_pack("{s:O, s:O, s:O, s:O, s:O, s:O, s:o, s:s, s:f, s:n, s:n, s:n, s:n, s:O, s:s, "
                  "s:s, s:s, s:n, "
                  "s:n, s:n, s:n, s:n, s:s}",
                  "group_subtasks", r->subtasks, "configs", r->configs, "versions", r->versions,
                  "n-shot", r->shots, "higher_is_better", r->higher, "n-samples", r->samples,
                  "config", config, "git_hash", "cril " CRIL_VERSION, "date", facts->start,
                  "pretty_env_info", "transformers_version", "lm_eval_version", "upper_git_hash",
                  "task_hashes", r->hashes, "model_source", "cril", "model_name", facts->model,
                  "model_name_sanitized", facts->model_sanitized, "system_instruction",
                  "system_instruction_sha", "fewshot_as_multiturn", "chat_template",
                  "chat_template_sha", "total_evaluation_time_seconds",
                  cril_number_write(seconds, facts->seconds, CRIL_NUMBER_EXACT));

    if (o && json_object_size(r->groups))
        put(r, o, "groups", json_incref(r->groups));
    if (!o || !rest || r->failed || json_object_update(o, rest)) {
        json_decref(o);
        o = NULL;
    }
    json_decref(rest);
    return o;
}

cril_status cril_eval_write_results(cril_eval *const *evals, size_t n, const cril_eval_facts *facts,
                                    FILE *f, cril_error *err)
{
    if (CRIL_LACKS(err, evals, facts, f))
        return CRIL_ERR_RANGE;

    struct results r = {json_object(), json_object(), json_object(), json_object(), json_object(),
                        json_object(), json_object(), json_object(), json_object(), false};
    cril_json_filter filter = {.file = f};
    cril_status st = CRIL_OK;
    json_t *root = NULL;

    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        st = CRIL_LACKS(err, evals[i]) ? CRIL_ERR_RANGE : put_eval(&r, evals[i], err);
    if (st == CRIL_OK && !(root = whole(&r, facts)))
        st = no_memory(err);
    if (st == CRIL_OK && (json_dump_callback(root, cril_json_filter_put, &filter, JSON_INDENT(2)) ||
                          putc('\n', f) == EOF))
        st = cril_fail(err, CRIL_ERR_IO, "results could not be written: %s", strerror(errno));
    json_decref(root);
    json_decref(r.results);
    json_decref(r.groups);
    json_decref(r.subtasks);
    json_decref(r.configs);
    json_decref(r.versions);
    json_decref(r.shots);
    json_decref(r.higher);
    json_decref(r.samples);
    json_decref(r.hashes);
    return st;
}
