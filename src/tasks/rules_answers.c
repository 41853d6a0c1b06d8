/*
 * Short answers of NQ-open and TriviaQA: when a generated answer is one of the references
 * (doc/rules.md).
 *
 * Source: lm-evaluation-harness 0.4.12, tasks/nq_open, tasks/triviaqa, filters/extraction.py and
 * api/metrics.py, for "paper" of April 2024; OpenCompass a5acc4bb, datasets/natural_question.py,
 * datasets/triviaqa.py, utils/text_postprocessors.py.
 */
#include "tasks/python_text.h"
#include "tasks/rule_fields.h"
#include "tasks/rules.h"
#include "util/fail.h"
#include "util/json.h"
#include "util/utf8.h"

/* ---- lm-evaluation-harness ---- */

/* The bytes of an article with the blank behind it, as the task lists them; 0: there is none. */
static size_t article_at(struct cril_bytes text, size_t at)
{
    static const char *const articles[] = {"The ", "the ", "An ", "A ", "a ", "an "};

    for (size_t i = 0; i < sizeof(articles) / sizeof(articles[0]); i++)
        if (cril_bytes_start_with(cril_str_part(text, at, text.len), articles[i]))
            return strlen(articles[i]);
    return 0;
}

/* An article begins where a word begins, and is deleted wherever it stands. */
static void delete_articles(struct cril_str *t)
{
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str kept = {0};
    bool in_word = false;
    uint32_t code;

    for (size_t i = 0; i < old.len;) {
        const size_t article = in_word ? 0 : article_at(old, i);
        const size_t n = cril_utf8_read(old.data + i, old.len - i, &code);

        if (!article)
            cril_str_append(&kept, cril_str_part(old, i, i + n));
        in_word = !article && cril_python_is_word(code);
        i += article ? article : n;
    }
    cril_str_take(t, &kept);
}

/* Deletes the 32 punctuation characters of ASCII. */
static void delete_punctuation(struct cril_str *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        const char c = t->data[i];

        if (!((c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
              (c >= '{' && c <= '~')))
            t->data[n++] = c;
    }
    t->n = n;
}

static void triviaqa_normal(struct cril_str *t, struct cril_bytes text)
{
    cril_str_set(t, text);
    cril_python_lower(t);
    delete_punctuation(t);
}

static void nq_normal(struct cril_str *t, struct cril_bytes text)
{
    cril_str_set(t, text);
    delete_articles(t);
    cril_python_lower(t);
    delete_punctuation(t);
}

/* ---- OpenCompass ---- */

static bool is_article(struct cril_bytes word)
{
    static const char *const articles[] = {"a", "an", "the"};

    for (size_t i = 0; i < 3; i++)
        if (word.len == strlen(articles[i]) && cril_str_starts_caseless(word, articles[i]))
            return true;
    return false;
}

static void keep_words_and_spaces(struct cril_str *t, struct cril_bytes text)
{
    uint32_t code;

    t->n = 0;
    for (size_t i = 0, n; i < text.len; i += n) {
        n = cril_utf8_read(text.data + i, text.len - i, &code);
        if (cril_python_is_word(code) || cril_python_is_space(code))
            cril_str_append(t, cril_str_part(text, i, i + n));
    }
}

static void drop_article_words(struct cril_str *t)
{
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str kept = {0};
    size_t from = 0, start, end;

    for (; cril_python_next_word(old, from, &start, &end); from = end)
        cril_str_append(
            &kept,
            cril_str_part(old, from, is_article(cril_str_part(old, start, end)) ? start : end));
    cril_str_append(&kept, cril_str_part(old, from, old.len));
    cril_str_take(t, &kept);
}

/* Each run of white space becomes one blank, those at both ends go. */
static void collapse_spaces(struct cril_str *t)
{
    const struct cril_bytes old = cril_python_strip(cril_str_bytes(t));
    struct cril_str kept = {0};
    bool after_space = false;
    uint32_t code;

    for (size_t i = 0, n; i < old.len; i += n) {
        n = cril_utf8_read(old.data + i, old.len - i, &code);
        if (!cril_python_is_space(code))
            cril_str_append(&kept, cril_str_part(old, i, i + n));
        else if (!after_space)
            cril_str_add(&kept, " ");
        after_space = cril_python_is_space(code);
    }
    cril_str_take(t, &kept);
}

/* text is no part of t. */
static void opencompass_short(struct cril_str *t, struct cril_bytes text)
{
    text = cril_str_until(text, (const char *const[]){"\n", ".", ",", NULL});
    keep_words_and_spaces(t, text);
    drop_article_words(t);
    collapse_spaces(t);
}

/* The prediction: the first line in lower case, behind the last "answer is" and, for TriviaQA,
 * behind the last "a:" and the last "answer:" of that. */
static void opencompass_prediction(struct cril_str *t, struct cril_bytes text, bool triviaqa)
{
    struct cril_str line = {0};
    struct cril_bytes rest;

    text = cril_python_strip(cril_str_until(text, (const char *const[]){"\n", "Q:", NULL}));
    cril_str_set(&line, text);
    cril_python_lower(&line);
    rest = cril_str_after_last(cril_str_bytes(&line), "answer is");
    if (triviaqa)
        rest = cril_python_strip(cril_str_after_last(cril_str_after_last(rest, "a:"), "answer:"));
    opencompass_short(t, rest);
    t->failed = t->failed || line.failed;
    cril_str_free(&line);
}

static void opencompass_reference(struct cril_str *t, struct cril_bytes text)
{
    opencompass_short(t, text);
    cril_python_lower(t);
}

/* ---- The set ---- */

/* What the rules make of a prediction. */
struct predictions {
    struct cril_str nq, triviaqa, nq_paper, triviaqa_paper, opencompass_nq, opencompass_triviaqa;
};

static void predict(struct predictions *p, struct cril_rule_out *o, struct cril_bytes text)
{
    const struct cril_bytes cut = cril_str_until(text, (const char *const[]){"\n", ".", ",", NULL});
    const struct cril_bytes paper = cril_str_part(cut, cut.len && *cut.data == ' ', cut.len);

    cril_rule_put_bytes(o, "after_stops_and_strip", cril_python_strip(cut));
    nq_normal(&p->nq, cril_python_strip(cut));
    triviaqa_normal(&p->triviaqa, cril_python_strip(cut));
    nq_normal(&p->nq_paper, paper);
    triviaqa_normal(&p->triviaqa_paper, paper);
    opencompass_prediction(&p->opencompass_nq, text, false);
    opencompass_prediction(&p->opencompass_triviaqa, text, true);
    cril_rule_put_text(o, "nq_normal", &p->nq);
    cril_rule_put_text(o, "triviaqa_normal", &p->triviaqa);
    cril_rule_put_text(o, "opencompass_nq_normal", &p->opencompass_nq);
    cril_rule_put_text(o, "opencompass_triviaqa_normal", &p->opencompass_triviaqa);
}

static bool free_predictions(struct predictions *p)
{
    struct cril_str *const all[] = {&p->nq,
                                    &p->triviaqa,
                                    &p->nq_paper,
                                    &p->triviaqa_paper,
                                    &p->opencompass_nq,
                                    &p->opencompass_triviaqa};
    bool failed = false;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        failed = failed || all[i]->failed;
        cril_str_free(all[i]);
    }
    return failed;
}

/* A rule's references and its verdict. */
struct verdicts {
    json_t *nq, *opencompass; /* arrays of texts; NULL: out of memory */
    bool nq_open, nq_paper, triviaqa, triviaqa_paper, opencompass_nq, opencompass_triviaqa;
};

static bool is(const struct cril_str *prediction, const struct cril_str *reference)
{
    return cril_bytes_same(cril_str_bytes(prediction), cril_str_bytes(reference));
}

static bool holds(const struct cril_str *prediction, const struct cril_str *reference)
{
    return cril_str_contains(cril_str_bytes(prediction), cril_str_bytes(reference));
}

static void append(json_t *array, const struct cril_str *t, struct cril_rule_out *o)
{
    if (t->failed || json_array_append_new(array, json_stringn(t->data ? t->data : "", t->n)))
        o->failed = true;
}

static void compare(const struct predictions *p, struct cril_bytes reference, struct verdicts *v,
                    struct cril_rule_out *o)
{
    struct cril_str normal = {0};

    triviaqa_normal(&normal, reference);
    v->triviaqa = v->triviaqa || is(&p->triviaqa, &normal);
    v->triviaqa_paper = v->triviaqa_paper || is(&p->triviaqa_paper, &normal);
    nq_normal(&normal, reference);
    v->nq_open = v->nq_open || is(&p->nq, &normal);
    v->nq_paper = v->nq_paper || is(&p->nq_paper, &normal);
    append(v->nq, &normal, o);
    opencompass_reference(&normal, reference);
    v->opencompass_nq = v->opencompass_nq || holds(&p->opencompass_nq, &normal);
    v->opencompass_triviaqa = v->opencompass_triviaqa || holds(&p->opencompass_triviaqa, &normal);
    append(v->opencompass, &normal, o);
    cril_str_free(&normal);
}

static cril_status refuse(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "the field \"references\" is no array of texts");
}

static cril_status compare_all(const json_t *references, const struct predictions *p,
                               struct verdicts *v, struct cril_rule_out *o, cril_error *err)
{
    if (!json_is_array(references))
        return refuse(err);
    for (size_t i = 0; i < json_array_size(references); i++) {
        const json_t *const value = json_array_get(references, i);
        struct cril_str text = {0};

        if (!json_is_string(value))
            return refuse(err);
        cril_str_append_repaired(&text, cril_json_text(value));
        compare(p, cril_str_bytes(&text), v, o);
        o->failed = o->failed || text.failed;
        cril_str_free(&text);
    }
    return CRIL_OK;
}

static cril_status judge(const json_t *references, const struct predictions *p,
                         struct cril_rule_out *o, cril_error *err)
{
    struct verdicts v = {.nq = json_array(), .opencompass = json_array()};
    const cril_status st = compare_all(references, p, &v, o, err);

    if (st != CRIL_OK) {
        json_decref(v.nq);
        json_decref(v.opencompass);
        return st;
    }
    cril_rule_put(o, "nq_reference_normal", v.nq);
    cril_rule_put(o, "opencompass_reference_normal", v.opencompass);
    cril_rule_put_truth(o, "nq_open_match", v.nq_open);
    cril_rule_put_truth(o, "nq_open_paper_match", v.nq_paper);
    cril_rule_put_truth(o, "triviaqa_match", v.triviaqa);
    cril_rule_put_truth(o, "triviaqa_paper_match", v.triviaqa_paper);
    cril_rule_put_truth(o, "opencompass_nq_match", v.opencompass_nq);
    cril_rule_put_truth(o, "opencompass_triviaqa_match", v.opencompass_triviaqa);
    return CRIL_OK;
}

cril_status cril_rules_answers(const json_t *in, json_t *out, cril_error *err)
{
    const json_t *const references = json_object_get(in, "references");
    struct cril_str text = {0};
    struct cril_rule_out o = {.out = out};
    struct predictions p = {0};
    cril_status st = cril_rule_read(in, "text", &text, NULL, err);

    if (st == CRIL_OK) {
        predict(&p, &o, cril_str_bytes(&text));
        if (references)
            st = judge(references, &p, &o, err);
    }
    o.failed = free_predictions(&p) || o.failed;
    if (st == CRIL_OK)
        st = cril_rule_finish(&o, (const struct cril_str *const[]){&text}, 1, err);
    cril_str_free(&text);
    return st;
}
