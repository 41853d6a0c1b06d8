/*
 * HellaSwag (Zellers et al. 2019): which of four endings goes on with a description of what people
 * do.
 *
 * Two published forms are read. The authors' has its parts apart, and they are put together and
 * cleaned here as lm-evaluation-harness does (tasks/hellaswag/utils.py). The other has the cleaned
 * text in "query", but for one step: the harness begins the unfinished sentence at the end with a
 * capital letter.
 */
#include "tasks/load.h"
#include "tasks/python_text.h"
#include "tasks/table.h"
#include "util/json.h"
#include "util/utf8.h"

#include <utf8proc.h>

struct question {
    struct cril_bytes query;               /* of the cleaned form */
    struct cril_bytes label, ctx_a, ctx_b; /* of the authors' form */
    bool raw;                              /* it is the authors' form */
    const json_t *endings;
    int64_t right;
};

/* ---- The authors' form ---- */

static cril_status read_raw(const struct cril_record *r, struct question *q, cril_error *err)
{
    const struct cril_bytes right = cril_json_text(json_object_get(r->object, "label"));
    cril_status st;

    if ((st = cril_field_text(r, "activity_label", &q->label, err)) != CRIL_OK ||
        (st = cril_field_text(r, "ctx_a", &q->ctx_a, err)) != CRIL_OK ||
        (st = cril_field_text(r, "ctx_b", &q->ctx_b, err)) != CRIL_OK ||
        (st = cril_field_texts(r, "endings", 4, &q->endings, err)) != CRIL_OK)
        return st;
    q->raw = true;
    if (right.len == 1 && *right.data >= '0' && *right.data <= '3') { /* as the hub has it */
        q->right = *right.data - '0';
        return CRIL_OK;
    }
    return cril_field_integer(r, "label", 0, 3, &q->right, err);
}

/* Drops each "[" up to the next "]" of its line. */
static size_t drop_brackets(char *s, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        const char *const close = s[i] == '[' ? memchr(s + i, ']', len - i) : NULL;

        if (close && !memchr(s + i, '\n', (size_t)(close - (s + i))))
            i = (size_t)(close - s);
        else
            s[n++] = s[i];
    }
    return n;
}

static void add_cleaned(struct cril_str *to, struct cril_bytes s)
{
    struct cril_str t = {0};

    cril_str_append(&t, cril_python_strip(s));
    cril_str_replace(&t, " [title]", ". ");
    t.n = drop_brackets(t.data, t.n);
    cril_str_replace(&t, "  ", " ");
    cril_str_append(to, cril_str_bytes(&t));
    to->failed |= t.failed;
    cril_str_free(&t);
}

/* Python's str.capitalize(): the first letter in title case, the others in lower case, each by its
 * own mapping. */
static void add_capitalised(struct cril_str *to, struct cril_bytes s)
{
    for (size_t at = 0; at < s.len;) {
        const bool first = at == 0;
        utf8proc_uint8_t bytes[4];
        utf8proc_ssize_t n;
        uint32_t code;

        at += cril_utf8_read(s.data + at, s.len - at, &code);
        n = utf8proc_encode_char(first ? utf8proc_totitle((utf8proc_int32_t)code)
                                       : utf8proc_tolower((utf8proc_int32_t)code),
                                 bytes);
        cril_str_append(to, (struct cril_bytes){(char *)bytes, (size_t)n});
    }
}

static void add_raw(struct cril_str *to, const struct question *q)
{
    struct cril_str text = {0};

    cril_str_append_between(&text, "", q->label, ": ");
    cril_str_append_between(&text, "", q->ctx_a, " ");
    add_capitalised(&text, q->ctx_b);
    add_cleaned(to, cril_str_bytes(&text));
    to->failed |= text.failed;
    cril_str_free(&text);
}

/* ---- The cleaned form ---- */

static cril_status read_cleaned(const struct cril_record *r, struct question *q, cril_error *err)
{
    cril_status st;

    q->raw = false;
    if ((st = cril_field_text(r, "query", &q->query, err)) != CRIL_OK ||
        (st = cril_field_texts(r, "choices", 4, &q->endings, err)) != CRIL_OK)
        return st;
    return cril_field_integer(r, "gold", 0, 3, &q->right, err);
}

static bool is_one_of(char c, const char *chars)
{
    return c && strchr(chars, c);
}

/* Where the unfinished sentence at the end begins: behind the last end of a sentence and one blank
 * that no full stop follows. 0: the text has none. */
static size_t find_fragment(struct cril_bytes s)
{
    for (size_t i = s.len; i-- > 2 && !is_one_of(s.data[i], ".!?");)
        if (s.data[i] != ' ' && s.data[i - 1] == ' ' && is_one_of(s.data[i - 2], ".!?\"')"))
            return i;
    return 0;
}

static void add_query(struct cril_str *to, struct cril_bytes s)
{
    const size_t at = find_fragment(s);

    if (at && s.data[at] >= 'a' && s.data[at] <= 'z') {
        const char capital = (char)(s.data[at] - 'a' + 'A');

        cril_str_append(to, (struct cril_bytes){s.data, at});
        cril_str_append(to, (struct cril_bytes){&capital, 1});
        s = (struct cril_bytes){s.data + at + 1, s.len - at - 1};
    }
    cril_str_append(to, s);
}

/* ---- Both ---- */

static cril_status read_question(const struct cril_record *r, struct question *q, cril_error *err)
{
    const cril_status st =
        json_object_get(r->object, "ctx_a") ? read_raw(r, q, err) : read_cleaned(r, q, err);

    if (st == CRIL_OK && json_array_size(q->endings) != 4)
        return cril_data_fault(r->data, r->place, err, "the record has %zu endings, not 4",
                               json_array_size(q->endings));
    return st;
}

static void add_context(struct cril_str *to, const struct question *q)
{
    if (q->raw)
        add_raw(to, q);
    else
        add_query(to, q->query);
}

static void add_ending(struct cril_str *to, const struct question *q, size_t i)
{
    const struct cril_bytes text = cril_json_text(json_array_get(q->endings, i));

    if (q->raw)
        add_cleaned(to, text);
    else
        cril_str_append(to, text);
}

static cril_status add_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct question q;
    const cril_status st = read_question(r, &q, l->err);

    (void)nr;
    if (st != CRIL_OK)
        return st;
    add_context(&l->text, &q);
    cril_str_add(&l->text, " ");
    add_ending(&l->text, &q, (size_t)q.right);
    cril_str_add(&l->text, "\n\n");
    return CRIL_OK;
}

static cril_status make_item(struct cril_load *l, const struct cril_record *r,
                             struct cril_item *item)
{
    struct question q;
    cril_status st;

    if ((st = read_question(r, &q, l->err)) != CRIL_OK)
        return st;
    add_context(&l->text, &q);
    if ((st = cril_load_text(l, &item->context)) != CRIL_OK ||
        (st = cril_load_choices(l, item, json_array_size(q.endings))) != CRIL_OK)
        return st;
    for (size_t i = 0; i < item->n_choices && st == CRIL_OK; i++) {
        l->text.n = 0;
        add_ending(&l->text, &q, i);
        st = l->text.failed ? cril_load_no_memory(l)
                            : cril_load_choice(l, r, item, i, cril_str_bytes(&l->text));
    }
    item->gold = (ptrdiff_t)q.right;
    return st;
}

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    static const struct cril_recipe recipe = {
        .one_more = true, .shot = add_shot, .item = make_item};

    return cril_load_by(&recipe, t, s, folder, limit, out, err);
}

#define CONVERSION(split, file)                                                                    \
    "python3 -c \"import pandas as p; p.read_parquet('data/" split "-00000-of-00001.parquet')"     \
    ".to_json('" file "',orient='records',lines=True,force_ascii=False)\""

static const struct cril_task_file files[] = {
    {.name = "hellaswag_val.jsonl",
     .role = "items",
     .published = "GitHub rowanz/hellaswag data/hellaswag_val.jsonl, Hugging Face "
                  "Rowan/hellaswag, validation: 10,042; MIT",
     .conversion = CONVERSION("validation", "hellaswag_val.jsonl")},
    {.name = "hellaswag_train.jsonl",
     .role = "shots",
     .published = "GitHub rowanz/hellaswag data/hellaswag_train.jsonl, Hugging Face "
                  "Rowan/hellaswag, train: 39,905; MIT",
     .conversion = CONVERSION("train", "hellaswag_train.jsonl")},
    {0},
};

static const struct cril_task_protocol protocols[] = {
    {.name = "paper",
     .summary = "no shots, endings as continuations, window 1900",
     CRIL_TASK_ACC_NORM,
     .draw = CRIL_DRAW_SEEDED,
     .window = 1900,
     .bos = CRIL_BOS_GEMMA},
    {.name = "harness",
     .summary = "no shots (10 by --shots), endings as continuations",
     CRIL_TASK_ACC_NORM,
     .draw = CRIL_DRAW_SEEDED},
    {0},
};

const struct cril_task cril_task_hellaswag = {
    .name = "hellaswag",
    .title = "HellaSwag",
    .group = "knowledge",
    .folder = "hellaswag",
    .files = files,
    .protocols = protocols,
    .expects = "\"query\", \"choices\" (4 texts) and \"gold\", or \"activity_label\", \"ctx_a\", "
               "\"ctx_b\", \"endings\" (4 texts) and \"label\"",
    .load = load,
};
