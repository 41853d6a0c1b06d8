/*
 * Results files of lm-evaluation-harness (cril/harness.h). The layout is that of its
 * evaluator_utils.py and evaluation_tracker.py, versions 0.4.0 to 0.4.13:
 *
 *     {"results":          {TASK: {"METRIC,FILTER": number, "METRIC_stderr,FILTER": number or
 * "N/A"}}, "groups":           the same of groups, most of which stand in "results" too,
 *      "versions":         {TASK: number or text},
 *      "n-shot":           {TASK: count},
 *      "n-samples":        {TASK: {"original": count, "effective": count}},    not in 0.4.0
 *      "higher_is_better": {TASK: {METRIC: true, false or null}},              not in 0.4.0
 *      "config":           {"limit": number or null, ...},
 *      "lm_eval_version", "git_hash", "model_name", "chat_template": text}
 *
 * A task has other keys as well ("alias", "sample_len"); those without a comma are no scores.
 * Values that are read are checked; the others may be anything.
 */
#include "study/harness.h"

#include "study/query.h"
#include "util/arena.h"
#include "util/fail.h"
#include "util/number.h"
#include "util/mapfile.h"
#include "util/nearest.h"
#include "util/size.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 64 << 20 };

static const char stderr_suffix[] = "_stderr";

struct reader {
    const char *path; /* of the file that is being read */
    const json_t *root;
    const cril_study_info *study;
    const char *model;
    cril_harness *out;
    struct cril_arena *arena;
    const char *
        *found_in; /* [n_benchmarks] the file that has a benchmark's score; NULL: none yet */
    size_t cap_rows, cap_left_out;
    cril_error *err;
};

static cril_status no_memory(const struct reader *r)
{
    return cril_fail(r->err, CRIL_ERR_NOMEM, "%s: out of memory", r->path);
}

static const char *keep(struct reader *r, const char *text, size_t len)
{
    return cril_arena_text(r->arena, text, len);
}

/* ---- Where a score stands ---- */

struct place {
    const char *section; /* "results" or "groups" */
    const char *task, *key;
    const json_t *scores; /* of the task */
    char metric[CRIL_MAX_NAME];
    const char *filter; /* in key */
};

static cril_status wrong(const struct reader *r, const struct place *p, const char *what)
{
    return cril_fail(r->err, CRIL_ERR_FORMAT, "%s: %s.%.200s[\"%.200s\"] %s", r->path, p->section,
                     p->task, p->key, what);
}

/* "METRIC,FILTER". False: the key is none of a score. */
static bool split_key(struct place *p)
{
    const char *comma = strchr(p->key, ',');
    const size_t len = comma ? (size_t)(comma - p->key) : 0, suffix = sizeof(stderr_suffix) - 1;

    if (!len || len >= sizeof(p->metric))
        return false;
    memcpy(p->metric, p->key, len);
    p->metric[len] = '\0';
    p->filter = comma + 1;
    return len <= suffix || strcmp(p->metric + len - suffix, stderr_suffix) != 0;
}

/* The benchmark that is mapped to a score; past the last: none. */
static size_t find_benchmark(const cril_study_info *s, const struct place *p)
{
    size_t i = 0;

    for (; i < s->n_benchmarks; i++) {
        const cril_study_benchmark *b = &s->benchmarks[i];

        if (b->metric && strcmp(b->task, p->task) == 0 && strcmp(b->metric, p->metric) == 0 &&
            strcmp(b->filter, p->filter) == 0)
            break;
    }
    return i;
}

/* ---- What a score is ---- */

/* is: how the sentence begins that says what v is. */
static cril_status read_share(const struct reader *r, const struct place *p, const json_t *v,
                              const char *is, double *out)
{
    char sentence[300], number[CRIL_NUMBER_SIZE];

    *out = json_number_value(v);
    if (json_is_number(v) && *out >= 0 && *out <= 1)
        return CRIL_OK;
    if (json_is_number(v))
        snprintf(sentence, sizeof(sentence),
                 "%s %s, but a score is from 0 to 1; import scores of another scale with --scores "
                 "and a column unit",
                 is, cril_number_write(number, *out, 6));
    else
        snprintf(sentence, sizeof(sentence), "%s no number", is);
    return wrong(r, p, sentence);
}

static cril_status read_error(const struct reader *r, const struct place *p, double *se)
{
    char key[2 * CRIL_MAX_NAME];
    const json_t *v;

    snprintf(key, sizeof(key), "%s%s,%s", p->metric, stderr_suffix, p->filter);
    *se = NAN;
    v = json_object_get(p->scores, key);
    if (!v || (json_is_string(v) && strcmp(json_string_value(v), "N/A") == 0))
        return CRIL_OK;
    return read_share(r, p, v, "has a standard error that is", se);
}

/* A metric that is better when lower is not a score. Older files do not say. */
static cril_status check_direction(const struct reader *r, const struct place *p)
{
    const json_t *of_task = json_object_get(json_object_get(r->root, "higher_is_better"), p->task);
    const json_t *v = json_object_get(of_task, p->metric);

    if (!v || json_is_true(v) || json_is_null(v))
        return CRIL_OK;
    return wrong(r, p,
                 json_is_false(v) ? "has a metric that is better when lower (higher_is_better is "
                                    "false), but a score is better when higher; map another metric"
                                  : "has a higher_is_better that is not true, false or null");
}

/* ---- Where it comes from, in words ---- */

struct words {
    char text[CRIL_MAX_NAME];
    size_t len;
};

static void add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *w, const char *format, ...)
{
    const size_t room = sizeof(w->text) - w->len;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(w->text + w->len, room, format, args);
    va_end(args);
    w->len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

/* A short text or a number of the file between two of ours. Nothing and "N/A" add nothing. */
static cril_status add_fact(const struct reader *r, struct words *w, const char *before,
                            const json_t *v, const char *after, const char *key)
{
    const char *text = json_string_value(v);
    char *digits;

    if (!v || json_is_null(v) || (text && strcmp(text, "N/A") == 0))
        return CRIL_OK;
    if (text && cril_is_name(text, 0, 100)) {
        add(w, "%s%s%s", before, text, after);
        return CRIL_OK;
    }
    if (!json_is_number(v))
        return cril_fail(r->err, CRIL_ERR_FORMAT,
                         "%s: \"%s\" holds a value that is neither a number nor a short text",
                         r->path, key);
    if (!(digits = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9))))
        return no_memory(r);
    add(w, "%s%s%s", before, digits, after);
    free(digits);
    return CRIL_OK;
}

/* How many samples were scored. A group has no count of its own. */
static cril_status add_samples(const struct reader *r, struct words *w, const char *task)
{
    const json_t *n = json_object_get(json_object_get(r->root, "n-samples"), task);
    const json_t *effective = json_object_get(n, "effective"),
                 *original = json_object_get(n, "original");
    cril_status st;

    if (!n) /* only the limit of the run is known, if it had one */
        return add_fact(r, w, ", limit ",
                        json_object_get(json_object_get(r->root, "config"), "limit"), "",
                        "config.limit");
    if (!json_is_number(effective) || (original && !json_is_number(original)))
        return cril_fail(r->err, CRIL_ERR_FORMAT,
                         "%s: \"n-samples\" of %.200s holds a value that is not a count", r->path,
                         task);
    st = add_fact(r, w, ", ", effective, "", "n-samples");
    if (st == CRIL_OK && original && json_number_value(original) != json_number_value(effective))
        st = add_fact(r, w, " of ", original, "", "n-samples");
    add(w, " samples");
    return st;
}

static cril_status describe(const struct reader *r, const struct place *p, struct words *w)
{
    const json_t *version = json_object_get(r->root, "lm_eval_version");
    const json_t *shots = json_object_get(json_object_get(r->root, "n-shot"), p->task);
    const size_t before = sizeof("lm-evaluation-harness") - 1;
    cril_status st;

    *w = (struct words){.text = ""};
    add(w, "lm-evaluation-harness");
    if ((st = add_fact(r, w, " ", version, "", "lm_eval_version")) != CRIL_OK)
        return st;
    if (w->len == before &&
        (st = add_fact(r, w, " ", json_object_get(r->root, "git_hash"), "", "git_hash")) != CRIL_OK)
        return st;
    add(w, ": %s", p->task);
    if ((st = add_fact(r, w, " version ",
                       json_object_get(json_object_get(r->root, "versions"), p->task), "",
                       "versions")) != CRIL_OK)
        return st;
    add(w, ", %s, %s", p->metric, p->filter);
    if ((st = add_fact(r, w, ", ", shots, "-shot", "n-shot")) != CRIL_OK ||
        (st = add_samples(r, w, p->task)) != CRIL_OK)
        return st;
    if (json_string_length(json_object_get(r->root, "chat_template")))
        add(w, ", chat template");
    return CRIL_OK;
}

/* ---- Taking ---- */

static cril_status differs(const struct reader *r, const struct place *p, const char *other)
{
    return cril_fail(r->err, CRIL_ERR_FORMAT,
                     "%s: %s.%.200s[\"%.200s\"] differs from the score in %s; keep one of them",
                     r->path, p->section, p->task, p->key, other);
}

static bool is_same_error(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* A row is there already: of another file, or of "results" where this is "groups". */
static cril_status compare_with_row(const struct reader *r, const struct place *p, size_t benchmark,
                                    const cril_figure *row)
{
    const char *name = r->study->benchmarks[benchmark].name;

    for (size_t i = 0; i < r->out->n; i++)
        if (strcmp(r->out->rows[i].of, name) == 0 &&
            (r->out->rows[i].value != row->value || !is_same_error(r->out->rows[i].se, row->se)))
            return differs(r, p,
                           strcmp(r->found_in[benchmark], r->path) == 0 ? "\"results\""
                                                                        : r->found_in[benchmark]);
    return CRIL_OK;
}

static cril_status take(struct reader *r, const struct place *p, size_t benchmark)
{
    cril_figure row = {.model = r->model, .of = r->study->benchmarks[benchmark].name};
    struct words source;
    cril_figure *rows;
    cril_status st;

    if ((st = read_share(r, p, json_object_get(p->scores, p->key), "is", &row.value)) != CRIL_OK ||
        (st = read_error(r, p, &row.se)) != CRIL_OK || (st = check_direction(r, p)) != CRIL_OK ||
        (st = describe(r, p, &source)) != CRIL_OK)
        return st;
    if (r->found_in[benchmark])
        return compare_with_row(r, p, benchmark, &row);
    rows = cril_size_grow(r->out->rows, &r->cap_rows, r->out->n, 1, sizeof(*rows));
    if (!rows)
        return no_memory(r);
    r->out->rows = rows;
    if (!(row.source = keep(r, source.text, source.len)))
        return no_memory(r);
    rows[r->out->n++] = row;
    r->found_in[benchmark] = r->path;
    return CRIL_OK;
}

static cril_status leave_out(struct reader *r, const struct place *p)
{
    cril_harness_score *list =
        cril_size_grow(r->out->left_out, &r->cap_left_out, r->out->n_left_out, 1, sizeof(*list));
    cril_harness_score s;

    if (!list)
        return no_memory(r);
    r->out->left_out = list;
    s = (cril_harness_score){keep(r, p->task, strlen(p->task)),
                             keep(r, p->metric, strlen(p->metric)),
                             keep(r, p->filter, strlen(p->filter))};
    if (!s.task || !s.metric || !s.filter)
        return no_memory(r);
    list[r->out->n_left_out++] = s;
    return CRIL_OK;
}

/* ---- Files ---- */

/* A group of "groups" that stands in "results" is read there; here only that both say the same. */
static cril_status read_task(struct reader *r, struct place *p, bool again, size_t *n_scores)
{
    const json_t *value;
    cril_status st = CRIL_OK;

    if (!json_is_object(p->scores) || !cril_is_name(p->task, 1, CRIL_MAX_NAME))
        return cril_fail(r->err, CRIL_ERR_FORMAT,
                         "%s: \"%s\" holds a value that is not a task with its scores; the file is "
                         "not a results file of lm-evaluation-harness",
                         r->path, p->section);
    for (void *at = json_object_iter((json_t *)p->scores); at && st == CRIL_OK;
         at = json_object_iter_next((json_t *)p->scores, at)) {
        size_t benchmark;

        p->key = json_object_iter_key(at);
        value = json_object_iter_value(at);
        if (!cril_is_name(p->key, 0, CRIL_MAX_NAME))
            return cril_fail(r->err, CRIL_ERR_FORMAT,
                             "%s: %s.%.200s has a key that is not a line of text", r->path,
                             p->section, p->task);
        if (!value || !split_key(p))
            continue;
        ++*n_scores;
        benchmark = find_benchmark(r->study, p);
        if (benchmark < r->study->n_benchmarks)
            st = take(r, p, benchmark);
        else if (!again)
            st = leave_out(r, p);
    }
    return st;
}

static cril_status read_section(struct reader *r, const char *section, size_t *n_scores)
{
    json_t *tasks = json_object_get(r->root, section);
    const json_t *results = json_object_get(r->root, "results");
    cril_status st = CRIL_OK;

    if (tasks && !json_is_object(tasks))
        return cril_fail(r->err, CRIL_ERR_FORMAT, "%s: \"%s\" is not a mapping of tasks", r->path,
                         section);
    for (void *at = json_object_iter(tasks); at && st == CRIL_OK;
         at = json_object_iter_next(tasks, at)) {
        struct place p = {.section = section,
                          .task = json_object_iter_key(at),
                          .scores = json_object_iter_value(at)};

        st = read_task(r, &p, tasks != results && json_object_get(results, p.task), n_scores);
    }
    return st;
}

static cril_status read_root(struct reader *r, size_t number)
{
    const char *name = json_string_value(json_object_get(r->root, "model_name"));
    size_t n_scores = 0;
    cril_status st;

    if (!json_is_object(json_object_get(r->root, "results")))
        return cril_fail(
            r->err, CRIL_ERR_FORMAT,
            "%s: has no \"results\"; it is not a results file of lm-evaluation-harness "
            "(results_*.json)",
            r->path);
    if (!name || !cril_is_name(name, 0, CRIL_MAX_NAME))
        name = "";
    if (!(r->out->models[number] = keep(r, name, strlen(name))))
        return no_memory(r);
    if ((st = read_section(r, "results", &n_scores)) != CRIL_OK ||
        (st = read_section(r, "groups", &n_scores)) != CRIL_OK)
        return st;
    if (!n_scores)
        return cril_fail(
            r->err, CRIL_ERR_UNSUPPORTED,
            "%s: has no key \"METRIC,FILTER\" in any task; files of lm-evaluation-harness "
            "have them since version 0.4",
            r->path);
    return CRIL_OK;
}

static cril_status no_json(const struct reader *r, const json_error_t *where)
{
    const bool is_nan = strstr(where->text, "NaN") || strstr(where->text, "Infinity");

    if (json_error_code(where) == json_error_out_of_memory)
        return no_memory(r);
    return cril_fail(r->err, CRIL_ERR_FORMAT, "%s: line %d, column %d: is not JSON (%s)%s", r->path,
                     where->line, where->column, where->text,
                     is_nan ? "; JSON has no NaN and no infinity: where the harness could compute "
                              "no score, write \"N/A\" instead"
                            : "");
}

static cril_status read_text(struct reader *r, const struct cril_harness_text *t, size_t number)
{
    json_error_t where;
    json_t *root;
    cril_status st;

    r->path = t->path;
    if (t->len > MAX_BYTES)
        return cril_fail(
            r->err, CRIL_ERR_UNSUPPORTED,
            "%s: is larger than 64 MiB, too large for a results file; is it a file of samples?",
            r->path);
    if (!(root = json_loadb(t->data ? t->data : "", t->len, JSON_REJECT_DUPLICATES, &where)))
        return no_json(r, &where);
    r->root = root;
    st = read_root(r, number);
    json_decref(root);
    r->root = NULL;
    return st;
}

/* ---- The study ---- */

static cril_status check_study(const cril_study_info *s, const char *model, const char **name,
                               cril_error *err)
{
    struct cril_nearest_name nearest = {.word = model};
    bool any = false;

    *name = NULL;
    for (size_t i = 0; i < s->n_models; i++) {
        cril_nearest_name_offer(&nearest, s->models[i].name);
        if (strcmp(s->models[i].name, model) == 0)
            *name = s->models[i].name;
    }
    if (!*name)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: has no model \"%.200s\"%s%s%s", s->path, model,
                         nearest.best ? "; did you mean \"" : "", nearest.best ? nearest.best : "",
                         nearest.best ? "\"?" : "");
    for (size_t i = 0; i < s->n_benchmarks; i++)
        any |= s->benchmarks[i].metric != NULL;
    if (!any)
        return cril_fail(
            err, CRIL_ERR_RANGE,
            "%s: maps no benchmark to a task of lm-evaluation-harness; give benchmarks the "
            "keys task, metric and filter, such as {name: GSM8K, task: gsm8k, metric: "
            "exact_match, filter: strict-match}",
            s->path);
    return CRIL_OK;
}

/* No score was found: lists the scores of the file, as far as there is room. */
static cril_status found_none(const struct reader *r)
{
    struct words w = {.text = ""};

    for (size_t i = 0; i < r->out->n_left_out && w.len < 500; i++)
        add(&w, "%s%.60s %.60s,%.60s", i ? "; " : "", r->out->left_out[i].task,
            r->out->left_out[i].metric, r->out->left_out[i].filter);
    return cril_fail(r->err, CRIL_ERR_EMPTY,
                     "%s: holds no score that a benchmark of %.200s is mapped to (there %s: %s%s)",
                     r->path, r->study->path, r->out->n_left_out == 1 ? "is" : "are", w.text,
                     w.len >= 500 ? "; ..." : "");
}

cril_status cril_harness_parse(const struct cril_harness_text *texts, size_t n,
                               const cril_study_info *s, const char *model, cril_harness *out,
                               cril_error *err)
{
    cril_harness h = {.models = calloc(n + 1, sizeof(*h.models)),
                      .owned = calloc(1, sizeof(struct cril_arena))};
    struct reader r = {.path = s->path,
                       .study = s,
                       .out = &h,
                       .arena = h.owned,
                       .found_in = calloc(s->n_benchmarks + 1, sizeof(*r.found_in)),
                       .err = err};
    cril_status st =
        h.models && h.owned && r.found_in ? check_study(s, model, &r.model, err) : no_memory(&r);

    for (size_t i = 0; st == CRIL_OK && i < n; i++)
        st = read_text(&r, &texts[i], i);
    if (st == CRIL_OK && !h.n)
        st = found_none(&r);
    free((void *)r.found_in);
    if (st == CRIL_OK)
        *out = h;
    else
        cril_harness_free(&h);
    return st;
}

cril_status cril_harness_read(const char *const *paths, size_t n_paths, const cril_study_info *s,
                              const char *model, cril_harness *out, cril_error *err)
{
    if (CRIL_LACKS(err, s, model, out) || (n_paths && CRIL_LACKS(err, paths)))
        return CRIL_ERR_RANGE;

    struct cril_harness_text *texts = calloc(n_paths + 1, sizeof(*texts));
    struct cril_mapfile *files = calloc(n_paths + 1, sizeof(*files));
    cril_status st =
        texts && files ? CRIL_OK : cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);

    for (size_t i = 0; st == CRIL_OK && i < n_paths; i++) {
        st = cril_mapfile_open(paths[i], &files[i], err);
        texts[i] = (struct cril_harness_text){paths[i], (const char *)files[i].data, files[i].size};
    }
    if (st == CRIL_OK)
        st = cril_harness_parse(texts, n_paths, s, model, out, err);
    for (size_t i = 0; files && i < n_paths; i++)
        cril_mapfile_close(&files[i]);
    free(files);
    free(texts);
    return st;
}

void cril_harness_free(cril_harness *h)
{
    if (!h)
        return;
    free(h->rows);
    free(h->left_out);
    free((void *)h->models);
    if (h->owned)
        cril_arena_free(h->owned);
    free(h->owned);
    *h = (cril_harness){0};
}
