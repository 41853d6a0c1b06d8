/*
 * lm-evaluation-harness' samples_TASK_DATE.jsonl, as 0.4.3 to 0.4.13 write them: a line for each
 * document and filter, of which the first of a document is read (`doc_id`). Request k of a document
 * is arguments.gen_args_k:
 *
 *     {"arg_0": context, "arg_1": continuation with its delimiter}
 *     {"arg_0": context, "arg_1": {"until": [...], "max_gen_toks": n, ...}}
 *     {"arg_0": text}                                                          rolling
 *
 * and resps[k][0] what the model gave: ["-1.25", "False"] (log-probability, whether greedy), a
 * text, or "-83.8", all as texts. Python has printed what is a text here: `target` is a choice's
 * index, its text, an answer, or a list of these in Python's notation (python_list.c). Versions
 * before the texts wrote the values themselves; both are taken.
 *
 * Where contexts differ (WinoGrande) each choice has its own. Requests with an empty context that
 * repeat the others' continuations give unconditional probabilities, for acc_mutual_info: the
 * second half, or every second one. They are left out.
 *
 * What comes before a choice's text and does not count in its length, `target_delimiter`, stands
 * only in results_DATE.json, in the same folder; without that file it is one blank.
 */
#include "tasks/python_list.h"
#include "tasks/requests_reader.h"
#include "tasks/str.h"
#include "util/fail.h"
#include "util/mapfile.h"
#include "util/number.h"
#include "util/json.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REQUESTS = 100000 }; /* of a document */

static bool fits(const json_t *record)
{
    return json_object_get(record, "arguments") && json_object_get(record, "doc_id");
}

/* ---- The names of the files ---- */

static bool is_date(const char *s, size_t len)
{
    static const char form[] = "dddd-dd-ddTdd-dd-dd";

    if (len < sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < sizeof(form) - 1; i++)
        if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != form[i])
            return false;
    return true;
}

/* samples_TASK_DATE.jsonl, perhaps compressed. False: the file has another name. */
static bool split_name(const char *path, struct cril_bytes *task, struct cril_bytes *date)
{
    static const char before[] = "samples_";
    const char *const slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *const end = strstr(base, ".jsonl");
    const char *at = end;

    if (!end || strncmp(base, before, sizeof(before) - 1) != 0)
        return false;
    while (at > base && at[-1] != '_')
        at--;
    if (at <= base + sizeof(before) || !is_date(at, (size_t)(end - at)))
        return false;
    base += sizeof(before) - 1;
    *task = (struct cril_bytes){base, (size_t)(at - 1 - base)};
    *date = (struct cril_bytes){at, (size_t)(end - at)};
    return true;
}

static bool is_results(const char *name, struct cril_bytes date)
{
    const size_t len = strlen(name), tail = date.len + strlen("_.json");

    return len > tail && name[len - tail] == '_' &&
           !memcmp(name + len - tail + 1, date.data, date.len) &&
           strcmp(name + len - strlen(".json"), ".json") == 0;
}

/* The path of the results beside the samples; owned. NULL without a fault: there is none. */
static cril_status find_results(const struct cril_requests *r, struct cril_bytes date, char **path)
{
    const char *const slash = strrchr(r->path, '/');
    struct cril_str folder = {0}, whole = {0};
    struct dirent *entry;
    DIR *dir;

    *path = NULL;
    cril_str_append(&folder, slash ? (struct cril_bytes){r->path, (size_t)(slash - r->path) + 1}
                                   : cril_bytes_of("./"));
    cril_str_append(&folder, (struct cril_bytes){"", 1});
    if (folder.failed)
        return cril_requests_no_memory(r);
    if ((dir = opendir(folder.data))) {
        while (!whole.n && (entry = readdir(dir)))
            if (is_results(entry->d_name, date)) {
                cril_str_add(&whole, folder.data);
                cril_str_add(&whole, entry->d_name);
                cril_str_append(&whole, (struct cril_bytes){"", 1});
            }
        closedir(dir);
    }
    cril_str_free(&folder);
    if (whole.failed)
        return cril_requests_no_memory(r);
    *path = whole.data;
    return CRIL_OK;
}

/* ---- target_delimiter ---- */

/* By a chat template the delimiter is left out, but behind a text that the answer begins with. */
static bool is_left_out(const json_t *root, const json_t *config)
{
    const struct cril_bytes prefix = cril_json_text(json_object_get(config, "gen_prefix"));
    const char last = prefix.len ? prefix.data[prefix.len - 1] : ' ';

    return json_string_length(json_object_get(root, "chat_template")) && strchr(" \t\n", last);
}

static cril_status take_delimiter(struct cril_requests *r, const json_t *root)
{
    const json_t *const config = json_object_get(json_object_get(root, "configs"), r->task);
    const json_t *const delimiter = json_object_get(config, "target_delimiter");
    const struct cril_bytes text =
        json_is_string(delimiter) ? cril_json_text(delimiter) : r->delimiter;

    if (is_left_out(root, config))
        r->delimiter = cril_bytes_of("");
    else if (!cril_builder_text(&r->builder, text, (struct cril_bytes){0}, &r->delimiter))
        return cril_requests_no_memory(r);
    return CRIL_OK;
}

static cril_status start(struct cril_requests *r)
{
    struct cril_bytes task, date;
    struct cril_mapfile m = {0};
    json_t *root = NULL;
    char *path = NULL;
    cril_status st;

    r->delimiter = cril_bytes_of(" ");
    if (!(r->seen = json_object()))
        return cril_requests_no_memory(r);
    if (!split_name(r->path, &task, &date))
        return CRIL_OK;
    if (!(r->task = cril_arena_text(&r->builder.items->arena, task.data, task.len)))
        return cril_requests_no_memory(r);
    if ((st = find_results(r, date, &path)) != CRIL_OK || !path)
        return st;
    if ((st = cril_mapfile_open(path, &m, r->err)) == CRIL_OK &&
        (st = cril_json_parse(path, m.data, m.size, &root, r->err)) == CRIL_OK)
        st = take_delimiter(r, root);
    json_decref(root);
    cril_mapfile_close(&m);
    free(path);
    return st;
}

/* ---- One document ---- */

struct document {
    const json_t *record, *arguments;
    size_t n;               /* requests */
    size_t n_choices, step; /* of them, and how far apart they are */
};

static const json_t *argument(const struct document *d, size_t request, const char *name)
{
    char key[40];

    snprintf(key, sizeof(key), "gen_args_%zu", request);
    return json_object_get(json_object_get(d->arguments, key), name);
}

/* What the model gave for a request, as logged; NULL: nothing. */
static const json_t *response(const struct document *d, size_t request)
{
    const json_t *const raw = json_array_get(json_object_get(d->record, "resps"), request);
    const json_t *const first = json_array_get(raw, 0);

    return first ? first : json_array_get(json_object_get(d->record, "filtered_resps"), request);
}

/* -ln p; NaN: not known. */
static double nats_of(const json_t *v)
{
    double x;

    if (json_is_array(v))
        v = json_array_get(v, 0);
    if (json_is_string(v))
        return cril_number_read(json_string_value(v), &x) ? -x : NAN;
    return json_is_number(v) ? -cril_json_number(v) : NAN;
}

static cril_status open_document(const struct cril_requests *r, struct document *d)
{
    const json_t *const arguments = json_object_get(d->record, "arguments");
    struct cril_bytes text;

    if (!json_is_object(arguments) || !json_object_size(arguments))
        return cril_requests_fault(
            r,
            "\"arguments\" is not what lm-evaluation-harness 0.4.3 and later log: {\"gen_args_0\""
            ": {\"arg_0\": ...}, ...}; run a later version with --log_samples");
    d->arguments = arguments;
    d->n = json_object_size(arguments);
    if (d->n > MOST_REQUESTS)
        return cril_requests_fault(r, "\"arguments\" has more than %d requests", MOST_REQUESTS);
    for (size_t i = 0; i < d->n; i++) {
        char name[60];
        cril_status st;

        snprintf(name, sizeof(name), "arguments.gen_args_%zu.arg_0", i);
        if ((st = cril_requests_text(r, argument(d, i, "arg_0"), name, &text)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

/* Whether a request asks for the continuation of another without a context and, in versions before
 * 0.4.9, without the delimiter. */
static bool is_unconditional(const struct cril_requests *r, const struct document *d,
                             size_t request, size_t of)
{
    const struct cril_bytes bare = cril_json_text(argument(d, request, "arg_1")),
                            whole = cril_json_text(argument(d, of, "arg_1"));
    const struct cril_bytes n = r->delimiter;

    if (json_string_length(argument(d, request, "arg_0")) ||
        !json_string_length(argument(d, of, "arg_0")) || !bare.data || !whole.data)
        return false;
    return cril_bytes_same(bare, whole) ||
           (whole.len == n.len + bare.len && !memcmp(whole.data, n.data, n.len) &&
            !memcmp(whole.data + n.len, bare.data, bare.len));
}

/* Requests of choices stand `step` apart; `n` is how many there are. Unconditional ones are the
 * second half or, in early versions, every second one. */
static void find_choices(const struct cril_requests *r, struct document *d)
{
    const size_t half = d->n / 2;
    bool halves = d->n && d->n % 2 == 0, pairs = halves;

    for (size_t i = 0; i < half; i++) {
        halves = halves && is_unconditional(r, d, half + i, i);
        pairs = pairs && is_unconditional(r, d, 2 * i + 1, 2 * i);
    }
    d->step = pairs && !halves ? 2 : 1;
    d->n_choices = pairs || halves ? half : d->n;
}

/* ---- Choices ---- */

static size_t characters_of(const struct cril_requests *r, struct cril_bytes text)
{
    const size_t n = r->delimiter.len;

    if (text.len >= n && (!n || !memcmp(text.data, r->delimiter.data, n)))
        text = (struct cril_bytes){text.data + n, text.len - n};
    return cril_builder_points(text);
}

static cril_status read_choice(struct cril_requests *r, const struct document *d, size_t i,
                               struct cril_item *item)
{
    const size_t request = i * d->step;
    const struct cril_bytes context = cril_json_text(argument(d, request, "arg_0"));
    struct cril_item_choice *const c = &item->choices[i];
    struct cril_bytes text;
    char name[60];
    cril_status st;

    snprintf(name, sizeof(name), "arguments.gen_args_%zu.arg_1", request);
    if ((st = cril_requests_text(r, argument(d, request, "arg_1"), name, &text)) != CRIL_OK)
        return st;
    c->characters = characters_of(r, text);
    c->reference_nats = nats_of(response(d, request));
    if (!cril_builder_text(&r->builder, text, i ? c[-1].text : (struct cril_bytes){0}, &c->text) ||
        (!cril_bytes_same(context, item->context) &&
         !cril_builder_text(&r->builder, context, (struct cril_bytes){0}, &c->context)))
        return cril_requests_no_memory(r);
    return CRIL_OK;
}

/* A target that is a number is a place; True and False are 1 and 0 to Python; else it is a text. */
static ptrdiff_t choice_of(const struct cril_requests *r, const struct cril_item *item,
                           const json_t *v)
{
    const struct cril_bytes text = cril_json_text(v);
    ptrdiff_t found;
    double x;

    if (json_is_boolean(v))
        return json_is_true(v) && item->n_choices > 1;
    if (json_is_integer(v))
        x = (double)json_integer_value(v);
    else if (!json_is_string(v))
        return -1;
    else if (!text.len || strspn(text.data, "0123456789") != text.len ||
             !cril_number_read(text.data, &x))
        x = -1;
    if (x >= 0 && x < (double)item->n_choices)
        return (ptrdiff_t)x;
    found = json_is_string(v) ? cril_requests_find_choice(item, r->delimiter, text) : -1;
    if (found < 0 && json_is_string(v) && item->n_choices == 2 &&
        (cril_bytes_are(text, "True") || cril_bytes_are(text, "False")))
        return text.data[0] == 'T';
    return found;
}

/* `target` as a value: a list that Python has printed becomes one. Owned. */
static cril_status read_target(const struct cril_requests *r, const struct document *d,
                               json_t **out)
{
    json_t *const target = json_object_get(d->record, "target");

    *out = json_incref(target);
    if (!json_is_string(target))
        return CRIL_OK;
    return cril_python_list(cril_json_text(target), out) ? CRIL_OK : cril_requests_no_memory(r);
}

static cril_status find_gold(const struct cril_requests *r, const struct document *d,
                             struct cril_item *item)
{
    json_t *target;
    const cril_status st = read_target(r, d, &target);

    if (st != CRIL_OK)
        return st;
    if (json_array_size(target) == 1) /* several right choices are none that an item can name */
        item->gold = choice_of(r, item, json_array_get(target, 0));
    else if (!json_is_array(target))
        item->gold = choice_of(r, item, target);
    json_decref(target);
    return CRIL_OK;
}

static cril_status read_choices(struct cril_requests *r, struct document *d, struct cril_item *item)
{
    cril_status st = CRIL_OK;

    find_choices(r, d);
    item->n_choices = d->n_choices;
    if (!(item->choices = cril_builder_choices(&r->builder, item->n_choices)))
        return cril_requests_no_memory(r);
    for (size_t i = 0; i < item->n_choices && st == CRIL_OK; i++)
        st = read_choice(r, d, i, item);
    if (st == CRIL_OK && item->n_choices > 1)
        return find_gold(r, d, item);
    item->gold = 0;
    r->by_greedy = json_object_get(d->record, "acc");
    return st;
}

/* ---- Generation ---- */

/* Adds an answer as a text. False: out of memory. */
static bool add_answer(json_t *texts, json_t *v)
{
    char number[32];

    if (json_is_string(v))
        return json_array_append(texts, v) == 0;
    if (!json_is_integer(v))
        return true;
    snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    return json_array_append_new(texts, json_string(number)) == 0;
}

/* What a target, of one answer or several, says is right. */
static json_t *answers_of(json_t *target)
{
    json_t *const texts = json_array();
    bool good = texts && (json_is_array(target) || add_answer(texts, target));

    for (size_t i = 0; good && i < json_array_size(target); i++)
        good = add_answer(texts, json_array_get(target, i));
    if (good)
        return texts;
    json_decref(texts);
    return NULL;
}

static cril_status read_answers(struct cril_requests *r, const struct document *d,
                                struct cril_item *item)
{
    json_t *target, *texts;
    cril_status st = read_target(r, d, &target);

    if (st != CRIL_OK)
        return st;
    texts = answers_of(target);
    if (!texts || (json_array_size(texts) &&
                   (!(item->answers = cril_builder_answers(&r->builder, texts)) ||
                    !cril_requests_gold_text(r, cril_json_text(json_array_get(texts, 0)), item))))
        st = cril_requests_no_memory(r);
    json_decref(texts);
    json_decref(target);
    return st;
}

/* The limit has four names; the first that is there counts, as for the harness. */
static cril_status read_limit(const struct cril_requests *r, const json_t *given, uint64_t *out)
{
    static const char *const names[] = {"max_gen_toks", "max_new_tokens", "max_tokens",
                                        "max_completion_tokens"};

    *out = CRIL_REQUESTS_DEFAULT_TOKENS;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const json_t *v = json_object_get(given, names[i]);

        if (v && !json_is_null(v))
            return cril_requests_count(r, v, names[i], 1, CRIL_REQUESTS_MOST_TOKENS, out);
    }
    return CRIL_OK;
}

/* A text that was drawn by chance is no reference of a greedy one. */
static bool was_sampled(const json_t *given)
{
    const json_t *const t = json_object_get(given, "temperature"),
                        *sample = json_object_get(given, "do_sample");

    if (json_is_false(sample))
        return false;
    return json_is_true(sample) ? !t || json_number_value(t) > 0 : json_number_value(t) > 0;
}

static cril_status read_generation(struct cril_requests *r, const struct document *d,
                                   const json_t *given, struct cril_item *item)
{
    const json_t *const until = json_object_get(given, "until"), *text = response(d, 0);
    uint64_t tokens;
    cril_status st;

    item->kind = CRIL_ITEM_GENERATION;
    if ((st = read_limit(r, given, &tokens)) != CRIL_OK ||
        (until && !json_is_null(until) &&
         (st = cril_requests_check_texts(r, until, "until", true, 0)) != CRIL_OK))
        return st;
    item->max_tokens = (size_t)tokens;
    if (until && !json_is_null(until) &&
        !cril_builder_texts(&r->builder, until, &item->until, &item->n_until))
        return cril_requests_no_memory(r);
    if (json_is_string(text) && !was_sampled(given) &&
        !cril_builder_text(&r->builder, cril_json_text(text), (struct cril_bytes){0},
                           &item->reference_text))
        return cril_requests_no_memory(r);
    return read_answers(r, d, item);
}

/* ---- Rolling ---- */

/* What the other program found is that of the only choice, the text. */
static cril_status read_rolling(struct cril_requests *r, const struct document *d,
                                struct cril_item *item)
{
    item->kind = CRIL_ITEM_ROLLING;
    if (!(item->choices = cril_builder_choices(&r->builder, 1)))
        return cril_requests_no_memory(r);
    item->n_choices = 1;
    item->choices[0].text = item->context;
    item->choices[0].characters = cril_builder_points(item->context);
    item->choices[0].reference_nats = nats_of(response(d, 0));
    return CRIL_OK;
}

static cril_status read_kind(struct cril_requests *r, struct document *d, struct cril_item *item)
{
    const json_t *const second = argument(d, 0, "arg_1");

    if (d->n > 1 && !json_is_string(second))
        return cril_requests_fault(r,
                                   "the document has %zu requests that are no choices; that is "
                                   "not known here",
                                   d->n);
    if (!second)
        return read_rolling(r, d, item);
    if (json_is_object(second))
        return read_generation(r, d, second, item);
    return read_choices(r, d, item);
}

static cril_status read_document(struct cril_requests *r, uint64_t doc_id)
{
    struct document d = {.record = r->data->record[r->at].value};
    struct cril_item item = {.subject = "", .index = doc_id, .gold = -1};
    const json_t *const doc = json_object_get(d.record, "doc");
    cril_status st = open_document(r, &d);

    if (st != CRIL_OK)
        return st;
    if (!cril_builder_text(&r->builder, cril_json_text(argument(&d, 0, "arg_0")),
                           (struct cril_bytes){0}, &item.context))
        return cril_requests_no_memory(r);
    if (doc && !cril_builder_own(&r->builder, json_incref((json_t *)doc)))
        return cril_requests_no_memory(r);
    item.document = (json_t *)doc;
    r->by_norm = r->by_norm || json_object_get(d.record, "acc_norm");
    st = read_kind(r, &d, &item);
    return st == CRIL_OK ? cril_requests_add(r, &item) : st;
}

static cril_status read(struct cril_requests *r)
{
    char key[32];
    uint64_t doc_id;
    cril_status st = cril_requests_count(r, json_object_get(r->data->record[r->at].value, "doc_id"),
                                         "doc_id", 0, INT64_MAX, &doc_id);

    if (st != CRIL_OK)
        return st;
    snprintf(key, sizeof(key), "%" PRIu64, doc_id);
    if (!json_object_get(r->seen, key)) {
        if (json_object_set_new(r->seen, key, json_true()) != 0)
            return cril_requests_no_memory(r);
        st = read_document(r, doc_id);
    }
    r->at++;
    return st;
}

const struct cril_requests_form cril_requests_harness = {"samples of lm-evaluation-harness", fits,
                                                         start, read};
