/*
 * The steps are those of the library `tokenizers` (pre_tokenizers/, tokenizer/normalizer.rs).
 *
 * Where steps follow the one to bytes, as in Falcon, they see GPT-2's letters for bytes, some of
 * which are digits; afterwards the letters are bytes again. Else that step is left out.
 */
#include "tokenizer/pretokenize.h"

#include "tokenizer/alphabet.h"
#include "tokenizer/expression.h"
#include "util/fail.h"
#include "util/size.h"

#include <stdlib.h>

struct cril_splitter {
    const struct cril_spec *spec;
    struct cril_expression *expressions; /* [spec->n_splits]; of steps with a pattern */
    size_t n;                            /* steps that do something */
};

static bool has_pattern(const struct spec_split *step)
{
    return step->kind == SPLIT_MATCHES || step->kind == SPLIT_REPLACE;
}

cril_status cril_splitter_create(const struct cril_spec *spec, struct cril_splitter **out,
                                 cril_error *err)
{
    struct cril_splitter *s = calloc(1, sizeof(*s));
    cril_status st = CRIL_OK;

    if (!s || !(s->expressions = calloc(spec->n_splits + 1, sizeof(*s->expressions)))) {
        free(s);
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", spec->path);
    }
    s->spec = spec;
    for (size_t i = 0; i < spec->n_splits && st == CRIL_OK; i++)
        if (has_pattern(&spec->splits[i]))
            st = cril_expression_compile(spec->path, &spec->splits[i].pattern, &s->expressions[i],
                                         err);
    if (st != CRIL_OK) {
        cril_splitter_free(s);
        return st;
    }
    s->n = spec->n_splits;
    while (s->n && spec->splits[s->n - 1].kind == SPLIT_BYTES)
        s->n--;
    *out = s;
    return CRIL_OK;
}

void cril_splitter_free(struct cril_splitter *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->spec->n_splits; i++)
        cril_expression_clear(&s->expressions[i]);
    free(s->expressions);
    free(s);
}

void cril_split_work_free(struct split_work *w)
{
    free(w->words.at);
    free(w->spare.at);
    free(w->text.data);
    free(w->spare_text.data);
}

static cril_status add_word(struct cril_words *w, size_t start, size_t end, cril_error *err)
{
    struct cril_word *const grown = cril_size_grow(w->at, &w->capacity, w->n, 1, sizeof(*grown));

    if (!grown)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu words", w->n);
    w->at = grown;
    w->at[w->n++] = (struct cril_word){start, end};
    return CRIL_OK;
}

/* ---- Cutting ---- */

/* Parts of one word, from left to right, matches and what lies between. */
struct parts {
    struct cril_words *out;
    size_t first; /* word of out that is the first of these parts */
    enum split_behaviour behaviour;
    bool after_match; /* the last part was one */
};

static cril_status add_part(struct parts *p, size_t start, size_t end, bool match, cril_error *err)
{
    struct cril_word *const last = p->out->n > p->first ? &p->out->at[p->out->n - 1] : NULL;
    const bool before = p->after_match;

    p->after_match = match;
    if (p->behaviour == SPLIT_REMOVED && match)
        return CRIL_OK;
    if (last && ((p->behaviour == SPLIT_CONTIGUOUS && match == before) ||
                 (p->behaviour == SPLIT_WITH_PREVIOUS && match && !before) ||
                 (p->behaviour == SPLIT_WITH_NEXT && !match && before))) {
        last->end = end;
        return CRIL_OK;
    }
    return add_word(p->out, start, end, err);
}

static void drop_empty(struct cril_words *w, size_t from)
{
    size_t n = from;

    for (size_t i = from; i < w->n; i++)
        if (w->at[i].start < w->at[i].end)
            w->at[n++] = w->at[i];
    w->n = n;
}

/* Cuts the text of m, which starts at `start` of the whole, and appends the words. */
static cril_status cut(const struct spec_split *step, struct cril_matches *m, size_t start,
                       struct cril_words *out, cril_error *err)
{
    struct parts parts = {.out = out, .first = out->n, .behaviour = step->behaviour};
    size_t done = 0, from, to;
    bool found;
    cril_status st;

    while ((st = cril_matches_next(m, &found, &from, &to, err)) == CRIL_OK && found) {
        if (done != from &&
            (st = add_part(&parts, start + done, start + from, step->inverted, err)) != CRIL_OK)
            return st;
        if ((st = add_part(&parts, start + from, start + to, !step->inverted, err)) != CRIL_OK)
            return st;
        done = to;
    }
    if (st == CRIL_OK && done != m->len)
        st = add_part(&parts, start + done, start + m->len, step->inverted, err);
    drop_empty(out, parts.first);
    return st;
}

/* ---- Rewriting ---- */

static cril_status replace(const struct spec_split *step, struct cril_matches *m,
                           struct cril_string *out, cril_error *err)
{
    size_t done = 0, from, to;
    bool found;
    cril_status st;

    while ((st = cril_matches_next(m, &found, &from, &to, err)) == CRIL_OK && found) {
        if ((st = cril_string_append(out, m->text + done, from - done, err)) != CRIL_OK ||
            (st = cril_string_append(out, step->text.data, step->text.len, err)) != CRIL_OK)
            return st;
        done = to;
    }
    return st == CRIL_OK ? cril_string_append(out, m->text + done, m->len - done, err) : st;
}

static cril_status prepend(const struct spec_split *step, const char *word, size_t len, bool first,
                           struct cril_string *out, cril_error *err)
{
    const struct cril_bytes text = step->text;
    const bool there = len >= text.len && !memcmp(word, text.data, text.len);
    cril_status st = CRIL_OK;

    if (!there && (first || !step->first))
        st = cril_string_append(out, text.data, text.len, err);
    return st == CRIL_OK ? cril_string_append(out, word, len, err) : st;
}

/* ---- Steps ---- */

struct state {
    const char *text; /* where w->words lie */
    bool first;
    struct split_work *w;
    cril_error *err;
};

/* Words of the last step become w->spare, and w->words empty. */
static const struct cril_words *begin_step(struct split_work *w)
{
    const struct cril_words before = w->words;

    w->words = w->spare;
    w->spare = before;
    w->words.n = 0;
    return &w->spare;
}

static cril_status run_matches(struct state *s, const struct spec_split *step,
                               struct cril_matches *m)
{
    const struct cril_words *const before = begin_step(s->w);
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < before->n && st == CRIL_OK; i++) {
        const struct cril_word word = before->at[i];

        cril_matches_again(m, s->text + word.start, word.end - word.start);
        st = cut(step, m, word.start, &s->w->words, s->err);
    }
    return st;
}

/* Steps that write each word anew. */
static cril_status run_rewrite(struct state *s, const struct spec_split *step,
                               struct cril_matches *m)
{
    const struct cril_words *const before = begin_step(s->w);
    struct cril_string *const out = &s->w->spare_text;
    cril_status st = CRIL_OK;

    out->n = 0;
    for (size_t i = 0; i < before->n && st == CRIL_OK; i++) {
        const struct cril_word word = before->at[i];
        const char *const text = s->text + word.start;
        const size_t len = word.end - word.start, start = out->n;

        if (step->kind == SPLIT_PREPEND) {
            st = prepend(step, text, len, s->first && !word.start, out, s->err);
        } else if (step->kind == SPLIT_BYTES) {
            st = cril_byte_level_encode(text, len, out, s->err);
        } else {
            cril_matches_again(m, text, len);
            st = replace(step, m, out, s->err);
        }
        if (st == CRIL_OK && out->n > start)
            st = add_word(&s->w->words, start, out->n, s->err);
    }
    const struct cril_string written = *out;
    *out = s->w->text;
    s->w->text = written;
    s->text = written.data;
    return st;
}

static cril_status run_step(struct state *s, const struct spec_split *step,
                            const struct cril_expression *x)
{
    struct cril_matches m = {0};
    cril_status st = CRIL_OK;

    if (has_pattern(step))
        st = cril_matches_begin(&m, x, "", 0, s->err);
    if (st == CRIL_OK)
        st = step->kind == SPLIT_MATCHES ? run_matches(s, step, &m) : run_rewrite(s, step, &m);
    cril_matches_end(&m);
    return st;
}

/* Writes each word as the model takes it: letters for bytes as bytes, U+2581 as spaces. */
static cril_status finish(struct state *s, bool in_letters)
{
    struct split_work *const w = s->w;
    size_t at = 0;
    cril_status st;

    if (s->text != w->text.data) {
        const size_t len = w->words.n ? w->words.at[w->words.n - 1].end : 0;

        w->text.n = 0;
        if (len && (st = cril_string_append(&w->text, s->text, len, s->err)) != CRIL_OK)
            return st;
        s->text = w->text.data;
    }
    for (size_t i = 0; i < w->words.n; i++) {
        struct cril_word *const word = &w->words.at[i];
        const char *const text = w->text.data + word->start;
        size_t n;

        if (in_letters)
            cril_byte_level_decode(text, word->end - word->start, w->text.data + at, &n);
        else
            n = cril_put_spaces(text, word->end - word->start, w->text.data + at);
        *word = (struct cril_word){at, at + n};
        at += n;
    }
    return CRIL_OK;
}

cril_status cril_splitter_run(const struct cril_splitter *splitter, const char **text, size_t len,
                              bool first, struct split_work *w, cril_error *err)
{
    struct state s = {.text = *text, .first = first, .w = w, .err = err};
    bool in_letters = false;
    cril_status st = CRIL_OK;

    w->words.n = 0;
    if (len)
        st = add_word(&w->words, 0, len, err);
    for (size_t i = 0; i < splitter->n && st == CRIL_OK; i++) {
        const struct spec_split *const step = &splitter->spec->splits[i];

        in_letters = in_letters || step->kind == SPLIT_BYTES;
        st = run_step(&s, step, &splitter->expressions[i]);
    }
    if (st == CRIL_OK && (in_letters || splitter->spec->spaces))
        st = finish(&s, in_letters);
    *text = s.text;
    return st;
}
