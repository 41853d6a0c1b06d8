/*
 * samples_TASK_DATE.jsonl as lm-evaluation-harness 0.4.13 writes it (loggers/evaluation_tracker.py,
 * evaluator.py): a line a document and filter. Hashes are its own: SHA-256 of the document as
 * json.dumps(doc, indent=2, ensure_ascii=False) has it, of the first context, of the target.
 * Whether a choice is what greedy decoding would give is known of the only one: else "None".
 */
#include "tasks/eval.h"
#include "tasks/item_lines.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/json.h"
#include "util/number.h"

#include <cril/number.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for samples");
}

/* ---- Parts ---- */

static bool add_part(cril_eval *e, const char *subject)
{
    const size_t size = strlen(e->evaluation.name) + strlen(subject) + 2;
    char *name = cril_arena_take(&e->part_names, size, 1);

    if (!name)
        return false;
    snprintf(name, size, "%s%s%s", e->evaluation.name, *subject ? "_" : "", subject);
    for (char *c = name + strlen(e->evaluation.name); *c; c++)
        if (*c == '/' || *c == ' ')
            *c = '_';
    e->parts[e->n_parts++] =
        (struct cril_eval_part){.name = name, .subject = *subject ? subject : NULL};
    return true;
}

cril_status cril_eval_need_parts(cril_eval *e, cril_error *err)
{
    size_t n = 0;
    const cril_eval_score *s = e->sum ? cril_evaluation_sum_scores(e->sum, &n) : NULL;

    if (e->parts)
        return CRIL_OK;
    if (!e->sum)
        return cril_fail(err, CRIL_ERR_RANGE, "%s was not run", e->evaluation.name);
    if (!s || !(e->parts = calloc(n + 1, sizeof(*e->parts))))
        return no_memory(err);
    for (size_t i = n > 1; i < n; i++) {
        /* the sum's scores go when they are asked for again; its names stay */
        if (!add_part(e, s[i].subject))
            return no_memory(err);
    }
    return CRIL_OK;
}

const char *cril_eval_part(cril_eval *e, size_t i)
{
    if (!e || cril_eval_need_parts(e, NULL) != CRIL_OK || i >= e->n_parts)
        return NULL;
    return e->parts[i].name;
}

/* ---- Names of metrics ---- */

size_t cril_logged_metrics(const cril_eval *e, struct cril_logged_metric out[CRIL_LOGGED_METRICS])
{
    static const struct {
        const char *task;
        struct cril_logged_metric metric;
    } known[] = {
        {"gsm8k", {"strict_match", "exact_match", "strict-match", "strict"}},
        {"gsm8k", {"flexible_match", "exact_match", "flexible-extract", "flexible"}},
        {"nq_open", {"nq_open_match", "exact_match", "remove_whitespace", NULL}},
        {"triviaqa", {"triviaqa_match", "exact_match", "remove_whitespace", NULL}},
        {"humaneval", {"passed", "pass@1", "create_test", NULL}},
        {"mbpp", {"passed", "pass_at_1", "none", NULL}},
    };
    const struct cril_task_protocol *p = &e->evaluation.settings.protocol;
    bool is_known = false;
    size_t n = 0;

    if (e->evaluation.items.n && e->evaluation.items.item[0].kind == CRIL_ITEM_CHOICES) {
        out[n++] = (struct cril_logged_metric){"acc", "acc", "none", NULL};
        if (e->evaluation.items.item[0].n_choices > 1)
            out[n++] = (struct cril_logged_metric){"acc_norm", "acc_norm", "none", NULL};
        return n;
    }
    for (size_t i = 0; e->evaluation.task && i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(known[i].task, e->evaluation.task->name) == 0) {
            out[n++] = known[i].metric;
            is_known |= p->metric && strcmp(p->metric, known[i].metric.verdict) == 0;
        }
    if (!is_known && p->metric && *p->metric)
        out[n++] = (struct cril_logged_metric){
            p->metric, p->metric_shown ? p->metric_shown : p->metric, "none", NULL};
    return n;
}

/* ---- Values ---- */

static json_t *number_text(double v)
{
    char text[CRIL_NUMBER_SIZE];

    return json_string(cril_number_write(text, v, CRIL_NUMBER_EXACT));
}

/* A text as Python's repr prints it, but for characters that it takes for unprintable. */
static void print_quoted(FILE *f, const char *text)
{
    const char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';

    putc(quote, f);
    for (; *text; text++)
        if (*text == '\n' || *text == '\r' || *text == '\t')
            fprintf(f, "\\%c", *text == '\n' ? 'n' : *text == '\r' ? 'r' : 't');
        else if (*text == '\\' || *text == quote)
            fprintf(f, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(f, "\\x%02x", (unsigned char)*text);
        else
            putc(*text, f);
    putc(quote, f);
}

/* str() of the gold answer: an index, a text, or a list. */
static json_t *target_json(const json_t *gold)
{
    char *text = NULL;
    size_t len = 0, i;
    const json_t *v;
    json_t *out;
    FILE *f;

    if (json_is_string(gold))
        return json_copy((json_t *)gold);
    if (!(f = open_memstream(&text, &len)))
        return NULL;
    if (json_is_integer(gold))
        fprintf(f, "%lld", (long long)json_integer_value(gold));
    if (json_is_array(gold))
        putc('[', f);
    json_array_foreach((json_t *)gold, i, v)
    {
        fputs(i ? ", " : "", f);
        print_quoted(f, json_is_string(v) ? json_string_value(v) : "");
    }
    if (json_is_array(gold))
        putc(']', f);
    out = fclose(f) == 0 ? json_stringn(text, len) : NULL;
    free(text);
    return out;
}

static json_t *arguments_json(const json_t *line)
{
    const json_t *prompt = json_object_get(line, "prompt"), *choice,
                 *until = json_object_get(line, "until");
    json_t *out = json_object();
    char name[48];
    size_t i;

    if (until)
        json_object_set_new(out, "gen_args_0",
                            json_pack("{s:O, s:{s:O, s:O, s:b}}", "arg_0", prompt, "arg_1", "until",
                                      until, "max_gen_toks", json_object_get(line, "max_tokens"),
                                      "do_sample", 0));
    else if (!json_object_get(line, "choices"))
        json_object_set_new(out, "gen_args_0", json_pack("{s:O}", "arg_0", prompt));
    json_array_foreach(json_object_get(line, "choices"), i, choice)
    {
        const json_t *own = json_object_get(choice, "prompt");

        snprintf(name, sizeof(name), "gen_args_%zu", i);
        json_object_set_new(out, name,
                            json_pack("{s:O, s:O}", "arg_0", own ? own : prompt, "arg_1",
                                      json_object_get(choice, "text")));
    }
    return out;
}

/* What the model gave for each request; deep: in a list of its own, as before filters. */
static json_t *responses_json(const json_t *line, const char *taken, bool deep)
{
    const json_t *nats = json_object_get(line, "nats"), *choice;
    const json_t *text = taken ? json_object_get(line, taken) : NULL;
    json_t *out = json_array(), *one;
    size_t i;

    if (!text)
        text = json_object_get(line, "text");
    if (text)
        json_array_append_new(out, deep ? json_pack("[O]", text) : json_incref((json_t *)text));
    else if (nats) {
        one = number_text(-json_number_value(nats));
        json_array_append_new(out, deep ? json_pack("[o]", one) : one);
    }
    json_array_foreach(json_object_get(line, "choices"), i, choice)
    {
        const json_t *greedy = json_object_get(choice, "greedy");

        one = json_pack("[o, s]", number_text(-json_number_value(json_object_get(choice, "nats"))),
                        !greedy                ? "None"
                        : json_is_true(greedy) ? "True"
                                               : "False");
        json_array_append_new(out, deep ? json_pack("[o]", one) : one);
    }
    return out;
}

/* ---- Hashes ---- */

static cril_status hash_document(const json_t *doc, char hex[65], cril_error *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    cril_json_filter filter = {.file = f};
    cril_status st = CRIL_OK;

    if (!f || json_dump_callback(doc, cril_json_filter_put, &filter, JSON_INDENT(2)) != 0)
        st = no_memory(err);
    if (f && fclose(f) != 0)
        st = no_memory(err);
    if (st == CRIL_OK)
        st = cril_sha256_of(text, len, hex, err);
    free(text);
    return st;
}

/* ---- Lines ---- */

struct sample {
    const json_t *line;
    json_t *doc, *target, *arguments, *resps; /* owned */
    char doc_hash[65], prompt_hash[65], target_hash[65];
};

static void free_sample(struct sample *s)
{
    json_decref(s->doc);
    json_decref(s->target);
    json_decref(s->arguments);
    json_decref(s->resps);
}

static cril_status make_sample(const struct cril_item *item, const json_t *line, struct sample *s,
                               cril_error *err)
{
    const json_t *prompt = json_object_get(line, "prompt");
    cril_status st = CRIL_OK;

    *s = (struct sample){.line = line,
                         .doc = item->document ? json_incref(item->document)
                                               : json_pack("{s:O}", "context", prompt),
                         .target = target_json(json_object_get(line, "gold")),
                         .arguments = arguments_json(line),
                         .resps = responses_json(line, NULL, true)};
    if (!s->doc || !s->target || !s->arguments || !s->resps)
        st = no_memory(err);
    if (st == CRIL_OK)
        st = hash_document(s->doc, s->doc_hash, err);
    if (st == CRIL_OK)
        st = cril_sha256_of(json_string_value(prompt), json_string_length(prompt), s->prompt_hash,
                            err);
    if (st == CRIL_OK)
        st = cril_sha256_of(json_string_value(s->target), json_string_length(s->target),
                            s->target_hash, err);
    return st;
}

/* Appends the metrics that have this filter. */
static bool add_metrics(json_t *o, const struct sample *s, const struct cril_logged_metric *m,
                        size_t n, const char *filter)
{
    json_t *names = json_object_get(o, "metrics");
    bool good = true;

    for (size_t i = 0; i < n && good; i++) {
        const json_t *v = json_object_get(s->line, m[i].verdict);
        const double value = json_is_true(v) ? 1 : json_number_value(v);

        if (strcmp(m[i].filter, filter) == 0)
            good = !json_array_append_new(names, json_string(m[i].metric)) &&
                   !json_object_set_new(o, m[i].metric, json_real(value));
    }
    return good;
}

static cril_status write_sample(const struct cril_item *item, const struct sample *s,
                                const struct cril_logged_metric *m, size_t n, size_t at, FILE *f,
                                cril_error *err)
{
    json_t *o = json_pack("{s:I, s:O, s:O, s:O, s:O, s:o, s:s, s:[], s:s, s:s, s:s}", "doc_id",
                          (json_int_t)item->index, "doc", s->doc, "target", s->target, "arguments",
                          s->arguments, "resps", s->resps, "filtered_resps",
                          responses_json(s->line, n ? m[at].taken : NULL, false), "filter",
                          n ? m[at].filter : "none", "metrics", "doc_hash", s->doc_hash,
                          "prompt_hash", s->prompt_hash, "target_hash", s->target_hash);
    size_t len = 0;
    char *text =
        o && add_metrics(o, s, m, n, n ? m[at].filter : "none") ? cril_line_print(o, &len) : NULL;
    cril_status st = text ? CRIL_OK : no_memory(err);

    if (text && (fwrite(text, 1, len, f) != len || putc('\n', f) == EOF))
        st = cril_fail(err, CRIL_ERR_IO, "samples could not be written: %s", strerror(errno));
    free(text);
    json_decref(o);
    return st;
}

/* A line for each filter. */
static cril_status write_item(cril_eval *e, size_t i, const struct cril_logged_metric *m, size_t n,
                              struct cril_sha256 *all, FILE *f, cril_error *err)
{
    const struct cril_item *item = &e->evaluation.items.item[i];
    struct sample s = {0};
    json_t *line = NULL;
    char *text = NULL;
    size_t len = 0;
    cril_status st = cril_journal_read(e->journal, i, &text, &len, err);

    if (st == CRIL_OK)
        st = cril_json_parse("a line", (const uint8_t *)text, len, &line, err);
    if (st == CRIL_OK && !json_object_get(line, "error")) {
        st = make_sample(item, line, &s, err);
        for (size_t k = 0; k < (n ? n : 1) && st == CRIL_OK; k++) {
            if (k && strcmp(m[k].filter, m[k - 1].filter) == 0)
                continue;
            st = write_sample(item, &s, m, n, k, f, err);
            if (st == CRIL_OK)
                st = cril_sha256_update(all, s.doc_hash, 64, err);
            if (st == CRIL_OK)
                st = cril_sha256_update(all, s.prompt_hash, 64, err);
            if (st == CRIL_OK)
                st = cril_sha256_update(all, s.target_hash, 64, err);
        }
        free_sample(&s);
    }
    json_decref(line);
    free(text);
    return st;
}

cril_status cril_eval_write_samples(cril_eval *e, size_t part, FILE *f, cril_error *err)
{
    if (CRIL_LACKS(err, e, f))
        return CRIL_ERR_RANGE;

    struct cril_logged_metric m[CRIL_LOGGED_METRICS];
    struct cril_sha256 *all = NULL;
    cril_status st = cril_eval_need_parts(e, err);
    const char *subject;
    size_t n;

    if (st == CRIL_OK && part >= e->n_parts)
        return cril_fail(err, CRIL_ERR_RANGE, "%s has no part %zu", e->evaluation.name, part);
    if (st == CRIL_OK)
        st = cril_sha256_create(&all, err);
    if (st != CRIL_OK)
        return st;
    n = cril_logged_metrics(e, m);
    subject = e->parts[part].subject;
    for (size_t i = 0; i < e->evaluation.items.n && st == CRIL_OK; i++) {
        const char *of = e->evaluation.items.item[i].subject;

        if (cril_journal_has(e->journal, i) && (!subject || strcmp(of ? of : "", subject) == 0))
            st = write_item(e, i, m, n, all, f, err);
    }
    if (st == CRIL_OK)
        st = cril_sha256_final(all, e->parts[part].sha256, err);
    cril_sha256_free(all);
    return st;
}
