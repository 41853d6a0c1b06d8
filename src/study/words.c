/* Axis words and selection words: what they may be, and what is said of one that is not. */
#include "study/words.h"

#include "util/fail.h"
#include "util/nearest.h"

#include <stdio.h>
#include <string.h>

static const char average[] = "average", plain[] = "plain";

const char *cril_words_reserved(size_t i)
{
    return i == 0 ? average : i == 1 ? plain : NULL;
}

/* ---- a list of what there is ---- */

struct offers {
    const char *word; /* that was asked for */
    struct cril_nearest_name nearest;
    char list[240];
    size_t len;
    bool cut; /* the list was too long */
};

static void offer(struct offers *o, const char *name)
{
    const size_t room = sizeof(o->list) - o->len;
    int n;

    cril_nearest_name_offer(&o->nearest, name);
    if (o->cut)
        return;
    n = snprintf(o->list + o->len, room, "%s%s", o->len ? ", " : "", name);
    if (n < 0 || (size_t)n >= room) {
        o->list[o->len] = '\0';
        o->cut = true;
    } else {
        o->len += (size_t)n;
    }
}

static cril_status refuse(const struct offers *o, const char *where, const char *why, cril_error *err)
{
    const char *best = o->nearest.best;

    return cril_fail(err, CRIL_ERR_RANGE, "%s: \"%.60s\" %s%s%s%s (there %s: %s%s)", where, o->word, why,
                     best ? "; did you mean \"" : "", best ? best : "", best ? "\"?" : "", o->len ? "are" : "is",
                     o->len ? o->list : "none", o->cut ? ", ..." : "");
}

/* ---- axes ---- */

/* Names of corpora or benchmarks, then groups that are not among those. */
static void offer_corpora(struct offers *o, const cril_study_info *s)
{
    for (size_t i = 0; i < s->n_corpora; i++)
        offer(o, s->corpora[i].name);
    for (size_t i = 0; i < s->n_corpora; i++) {
        const char *group = s->corpora[i].group;
        bool known = false;

        for (size_t j = 0; j < s->n_corpora && !known; j++)
            known = strcmp(s->corpora[j].name, group) == 0 || (j < i && strcmp(s->corpora[j].group, group) == 0);
        if (!known)
            offer(o, group);
    }
}

static void offer_benchmarks(struct offers *o, const cril_study_info *s)
{
    for (size_t i = 0; i < s->n_benchmarks; i++)
        offer(o, s->benchmarks[i].name);
    for (size_t i = 0; i < s->n_benchmarks; i++) {
        const char *group = s->benchmarks[i].group;
        bool known = false;

        for (size_t j = 0; j < s->n_benchmarks && !known; j++)
            known = strcmp(s->benchmarks[j].name, group) == 0 || (j < i && strcmp(s->benchmarks[j].group, group) == 0);
        if (!known)
            offer(o, group);
    }
}

static bool is_corpus_word(const cril_study_info *s, const char *word)
{
    for (size_t i = 0; i < s->n_corpora; i++)
        if (strcmp(s->corpora[i].name, word) == 0 || strcmp(s->corpora[i].group, word) == 0)
            return true;
    return false;
}

static bool is_benchmark_word(const cril_study_info *s, const char *word)
{
    for (size_t i = 0; i < s->n_benchmarks; i++)
        if (strcmp(s->benchmarks[i].name, word) == 0 || strcmp(s->benchmarks[i].group, word) == 0)
            return true;
    return false;
}

static cril_status check_x(const cril_study_info *s, const char *word, cril_error *err)
{
    struct offers o = { .word = word, .nearest.word = word };

    if (s->n_corpora && (strcmp(word, average) == 0 || is_corpus_word(s, word)))
        return CRIL_OK;
    if (s->n_corpora)
        offer(&o, average);
    offer_corpora(&o, s);
    return refuse(&o, "x",
                  is_benchmark_word(s, word) ? "is of benchmarks; x is a corpus or a group of corpora"
                                             : "is no corpus and no group of corpora",
                  err);
}

static cril_status check_y(const cril_study_info *s, const char *word, cril_error *err)
{
    struct offers o = { .word = word, .nearest.word = word };

    if (s->n_benchmarks && (strcmp(word, average) == 0 || strcmp(word, plain) == 0 || is_benchmark_word(s, word)))
        return CRIL_OK;
    if (s->n_benchmarks) {
        offer(&o, average);
        offer(&o, plain);
    }
    offer_benchmarks(&o, s);
    return refuse(&o, "y",
                  is_corpus_word(s, word) ? "is of corpora; y is a benchmark or a group of benchmarks"
                                          : "is no benchmark and no group of benchmarks",
                  err);
}

cril_status cril_words_axis(const cril_study_info *s, char axis, const char *word, cril_error *err)
{
    return axis == 'x' ? check_x(s, word, err) : check_y(s, word, err);
}

/* ---- models ---- */

static bool has_word(const cril_study_model *m, const char *word)
{
    bool has = strcmp(m->name, word) == 0 || strcmp(m->family, word) == 0;

    for (size_t i = 0; i < m->n_tags && !has; i++)
        has = strcmp(m->tags[i], word) == 0;
    return has;
}

bool cril_study_selects(const cril_study_model *m, const char *const *words, size_t n_words)
{
    bool some_include = false, included = false;

    for (size_t i = 0; i < n_words; i++) {
        if (words[i][0] == '-') {
            if (has_word(m, words[i] + 1))
                return false;
        } else {
            some_include = true;
            included = included || has_word(m, words[i]);
        }
    }
    return included || !some_include;
}

/* Tags and families first: they are few, and what one mostly wants. */
static void offer_models(struct offers *o, const cril_study_info *s)
{
    for (int pass = 0; pass < 3; pass++)
        for (size_t i = 0; i < s->n_models; i++) {
            const cril_study_model *m = &s->models[i], *before = i ? m - 1 : NULL;
            const size_t n = pass ? 1 : m->n_tags;

            if (pass == 0 && before && before->tags == m->tags)
                continue; /* of one glob */
            for (size_t t = 0; t < n; t++) {
                const char *word = pass == 0 ? m->tags[t] : pass == 1 ? m->family : m->name;
                bool known = pass == 1 && strcmp(word, m->name) == 0;

                for (size_t j = 0; j < i && !known; j++)
                    known = has_word(&s->models[j], word);
                if (!known)
                    offer(o, word);
            }
        }
}

cril_status cril_words_model(const cril_study_info *s, const char *word, cril_error *err)
{
    const char *name = word + (word[0] == '-');
    struct offers o = { .word = name, .nearest.word = name };

    for (size_t i = 0; i < s->n_models; i++)
        if (has_word(&s->models[i], name))
            return CRIL_OK;
    offer_models(&o, s);
    return refuse(&o, "models", "is no model, no family and no tag", err);
}

cril_status cril_study_check_fit(const cril_study_info *s, const cril_study_fit *f, cril_error *err)
{
    cril_status st;

    if ((st = check_x(s, f->x, err)) != CRIL_OK || (st = check_y(s, f->y, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < f->n_models; i++)
        if ((st = cril_words_model(s, f->models[i], err)) != CRIL_OK)
            return st;
    for (size_t i = 0; i < s->n_models; i++)
        if (cril_study_selects(&s->models[i], f->models, f->n_models))
            return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE, "models: these words choose no model; take an exclusion away");
}
