/*
 * A file of requests is one of three forms, told apart by the fields of its first record
 * (requests_own.c, requests_harness.c, requests_olmo.c). What the three have in common is here:
 * fields, the kind of the items, the name and the hash of the whole.
 */
#include "tasks/requests_reader.h"

#include "corpus/stream.h"
#include "tasks/python_text.h"
#include "tasks/str.h"
#include "util/fail.h"
#include "util/json.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Sentences ---- */

cril_status cril_requests_fault(const struct cril_requests *r, const char *format, ...)
{
    cril_error what;
    va_list ap;

    va_start(ap, format);
    cril_vfail(&what, CRIL_ERR_FORMAT, format, ap);
    va_end(ap);
    return cril_fail(r->err, CRIL_ERR_FORMAT, "%s:%" PRIu64 ": %s", r->path,
                     r->data->record[r->at].line, what.message);
}

cril_status cril_requests_no_memory(const struct cril_requests *r)
{
    return cril_fail(r->err, CRIL_ERR_NOMEM, "%s: out of memory", r->path);
}

/* ---- Fields ---- */

cril_status cril_requests_text(const struct cril_requests *r, const json_t *value, const char *name,
                               struct cril_bytes *out)
{
    if (!value)
        return cril_requests_fault(r, "\"%s\" is missing", name);
    if (!json_is_string(value))
        return cril_requests_fault(r, "\"%s\" is no text", name);
    *out = cril_json_text(value);
    return CRIL_OK;
}

cril_status cril_requests_check_texts(const struct cril_requests *r, const json_t *value,
                                      const char *name, bool text_too, size_t min)
{
    if (text_too && json_is_string(value))
        return CRIL_OK;
    if (!json_is_array(value))
        return cril_requests_fault(r, "\"%s\" is no %slist of texts", name,
                                   text_too ? "text and no " : "");
    if (json_array_size(value) < min)
        return cril_requests_fault(r, "\"%s\" is an empty list", name);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!json_is_string(json_array_get(value, i)))
            return cril_requests_fault(r, "element %zu of \"%s\" is no text", i + 1, name);
    return CRIL_OK;
}

cril_status cril_requests_count(const struct cril_requests *r, const json_t *value,
                                const char *name, uint64_t min, uint64_t max, uint64_t *out)
{
    const json_int_t n = json_integer_value(value);

    if (!value)
        return cril_requests_fault(r, "\"%s\" is missing", name);
    if (!json_is_integer(value) || n < 0 || (uint64_t)n < min || (uint64_t)n > max)
        return cril_requests_fault(r, "\"%s\" is not a whole number from %" PRIu64 " to %" PRIu64,
                                   name, min, max);
    *out = (uint64_t)n;
    return CRIL_OK;
}

cril_status cril_requests_name(struct cril_requests *r, const json_t *value, const char *name,
                               const char **out)
{
    char number[32];
    struct cril_bytes text = cril_json_text(value);

    if (!value || json_is_null(value))
        return CRIL_OK;
    if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        text = cril_bytes_of(number);
    }
    if (!text.data)
        return cril_requests_fault(r, "\"%s\" is neither a text nor a whole number", name);
    if (memchr(text.data, '\0', text.len))
        return cril_requests_fault(r, "\"%s\" holds a NUL, which no name can", name);
    if (!(*out = cril_arena_text(&r->builder.items->arena, text.data, text.len)))
        return cril_requests_no_memory(r);
    return CRIL_OK;
}

cril_status cril_requests_take_task(struct cril_requests *r, const json_t *value)
{
    const char *task = NULL;
    const cril_status st = cril_requests_name(r, value, "task", &task);

    if (st != CRIL_OK || !task)
        return st;
    if (r->builder.items->n && (!r->task || strcmp(r->task, task) != 0))
        return cril_requests_fault(
            r,
            "the request is of the task \"%.80s\", but those before it of \"%.80s\"; a file is "
            "one task: split it, or name parts by \"subject\"",
            task, r->task ? r->task : "");
    r->task = task;
    return CRIL_OK;
}

ptrdiff_t cril_requests_find_choice(const struct cril_item *item, struct cril_bytes delimiter,
                                    struct cril_bytes text)
{
    ptrdiff_t found = -1;

    for (size_t i = 0; i < item->n_choices; i++) {
        const struct cril_bytes whole = item->choices[i].text;
        const bool has = whole.len >= delimiter.len &&
                         (!delimiter.len || !memcmp(whole.data, delimiter.data, delimiter.len));
        const struct cril_bytes bare = {whole.data + (has ? delimiter.len : 0),
                                        whole.len - (has ? delimiter.len : 0)};

        if (!cril_bytes_same(whole, text) && !cril_bytes_same(bare, text))
            continue;
        if (found >= 0)
            return -1;
        found = (ptrdiff_t)i;
    }
    return found;
}

bool cril_requests_gold_text(struct cril_requests *r, struct cril_bytes answer,
                             struct cril_item *item)
{
    const struct cril_bytes context = item->context;
    const bool spaced = cril_python_strip(answer).data != answer.data || !context.len ||
                        strchr(" \t\n", context.data[context.len - 1]);

    return cril_builder_joined(&r->builder, spaced ? "" : " ", answer, &item->gold_text);
}

/* ---- Items ---- */

cril_status cril_requests_add(struct cril_requests *r, const struct cril_item *item)
{
    const struct cril_items *const items = r->builder.items;

    if (items->n && items->item[0].kind != item->kind)
        return cril_requests_fault(r, "the request is of another kind than the first (choices, "
                                      "texts to generate, whole texts); a file is of one kind, so "
                                      "split it");
    return cril_builder_add(&r->builder, item) ? CRIL_OK : cril_requests_no_memory(r);
}

static const struct cril_requests_form *find_form(const json_t *record)
{
    static const struct cril_requests_form *const forms[] = {
        &cril_requests_harness, &cril_requests_olmo, &cril_requests_own};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (forms[i]->fits(record))
            return forms[i];
    return NULL;
}

static cril_status read_records(struct cril_requests *r)
{
    cril_status st = CRIL_OK;

    if (!(r->form = find_form(r->data->record[0].value)))
        return cril_requests_fault(
            r, "the line is no request: it has neither \"context\", nor \"arguments\" and "
               "\"doc_id\" as lm-evaluation-harness' samples, nor \"request_type\" as olmo-eval's");
    if (r->form->start)
        st = r->form->start(r);
    while (st == CRIL_OK && r->at < r->data->n) {
        const json_t *const record = r->data->record[r->at].value;

        if (!r->form->fits(record) || find_form(record) != r->form)
            st =
                cril_requests_fault(r, "the line is not one of %s, as the first is", r->form->name);
        else
            st = r->form->read(r);
    }
    return st;
}

/* ---- The whole ---- */

static bool has_gold(const struct cril_items *items)
{
    for (size_t i = 0; i < items->n; i++)
        if (items->item[i].answers || (items->item[i].n_choices > 1 && items->item[i].gold >= 0))
            return true;
    return false;
}

static void set_protocol(const struct cril_requests *r, struct cril_task_protocol *p)
{
    const bool generates = r->builder.items->item[0].kind == CRIL_ITEM_GENERATION;

    p->summary = "requests as the file has them";
    p->version = 1;
    p->bos = CRIL_BOS_TOKENIZER;
    p->metric = r->by_greedy                  ? "acc"
                : !has_gold(r->builder.items) ? ""
                : generates                   ? "exact_match"
                : r->by_norm                  ? "acc_norm"
                                              : "acc";
    p->metric_shown = p->metric;
    p->answer_rule = generates ? "the whole text without white space at its ends" : "";
}

/* The name of the file without what tells its form. */
static cril_status name_by_file(struct cril_requests *r)
{
    static const char *const endings[] = {".gz", ".zst", ".xz", ".bz2", ".jsonl", ".json"};
    const char *const slash = strrchr(r->path, '/'), *base = slash ? slash + 1 : r->path;
    size_t len = strlen(base), repaired_len;
    char *repaired;

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (cril_has_suffix(base, len, endings[i]) && len > strlen(endings[i]))
            len -= strlen(endings[i]);
    if (cril_utf8_repair(base, len, &repaired, &repaired_len, NULL) != CRIL_OK)
        return cril_requests_no_memory(r);
    r->task = repaired ? cril_arena_text(&r->builder.items->arena, repaired, repaired_len)
                       : cril_arena_text(&r->builder.items->arena, base, len);
    free(repaired);
    return r->task ? CRIL_OK : cril_requests_no_memory(r);
}

static cril_status finish(struct cril_requests *r, uint64_t limit, struct cril_evaluation *e)
{
    cril_status st = r->task ? CRIL_OK : name_by_file(r);
    struct cril_str about = {0};

    if (st != CRIL_OK)
        return st;
    set_protocol(r, &e->settings.protocol);
    snprintf(e->settings.name, sizeof(e->settings.name), "requests");
    e->name = r->task;
    cril_str_add(&about, "requests 1 ");
    cril_str_add(&about, e->settings.protocol.metric);
    cril_str_add(&about, " ");
    cril_str_add(&about, r->task);
    st = about.failed
             ? cril_requests_no_memory(r)
             : cril_builder_hash(&e->items, cril_str_bytes(&about), e->settings.sha256, r->err);
    cril_str_free(&about);
    if (limit && limit < e->items.n)
        e->items.n = (size_t)limit;
    return st == CRIL_OK ? cril_data_sha256(r->path, e->data_sha256, r->err) : st;
}

/* Samples of lm-evaluation-harness before 0.4.3 are one indented array. */
static cril_status refuse_array(const char *path, cril_error *err)
{
    struct cril_stream *s = NULL;
    const char *data;
    size_t n, at = 0;
    cril_status st = cril_stream_open(path, NULL, &s, err);

    if (st == CRIL_OK && (st = cril_stream_peek(s, CRIL_STREAM_PEEK, &data, &n, err)) == CRIL_OK) {
        while (at < n && strchr(" \t\r\n", data[at]) && data[at])
            at++;
        if (at < n && data[at] == '[')
            st = cril_fail(err, CRIL_ERR_UNSUPPORTED,
                           "%s: is one array, as lm-evaluation-harness logged samples before "
                           "0.4.3; run a later version with --log_samples, or write one request a "
                           "line",
                           path);
    }
    cril_stream_close(s);
    return st;
}

cril_status cril_requests_read(const char *path, uint64_t limit, struct cril_evaluation *out,
                               cril_error *err)
{
    struct cril_evaluation e = {0};
    struct cril_data data = {0};
    struct cril_requests r = {
        .path = path, .data = &data, .builder = {.items = &e.items}, .err = err};
    cril_status st;

    if ((st = refuse_array(path, err)) == CRIL_OK)
        st = cril_data_read(path, "--requests", "one request a line", 0, &data, err);
    if (st == CRIL_OK)
        st = read_records(&r);
    if (st == CRIL_OK)
        st = finish(&r, limit, &e);
    json_decref(r.seen);
    cril_data_free(&data);
    if (st != CRIL_OK) {
        cril_items_free(&e.items);
        return st;
    }
    *out = e;
    out->settings.protocol.name = out->settings.name;
    return CRIL_OK;
}
