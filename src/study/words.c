/* Axis words and selection words: what they may be, and the sentence for any other word. */
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

static cril_status refuse(const struct offers *o, const char *where, const char *why,
                          cril_error *err)
{
    const char *best = o->nearest.best;

    return cril_fail(err, CRIL_ERR_RANGE, "%s: \"%.60s\" %s%s%s%s (there %s: %s%s)", where, o->word,
                     why, best ? "; did you mean \"" : "", best ? best : "", best ? "\"?" : "",
                     o->len ? "are" : "is", o->len ? o->list : "none", o->cut ? ", ..." : "");
}

/* ---- axes ---- */

size_t cril_words_columns(const cril_study_info *s, char axis)
{
    return axis == 'x' ? s->n_corpora : s->n_benchmarks;
}

struct cril_column cril_words_column(const cril_study_info *s, char axis, size_t i)
{
    return axis == 'x' ? (struct cril_column){s->corpora[i].name, s->corpora[i].group}
                       : (struct cril_column){s->benchmarks[i].name, s->benchmarks[i].group};
}

/* Names, then groups that are not among those. */
static void offer_columns(struct offers *o, const cril_study_info *s, char axis)
{
    const size_t n = cril_words_columns(s, axis);

    for (size_t i = 0; i < n; i++)
        offer(o, cril_words_column(s, axis, i).name);
    for (size_t i = 0; i < n; i++) {
        const char *group = cril_words_column(s, axis, i).group;
        bool known = false;

        for (size_t j = 0; j < n && !known; j++) {
            const struct cril_column other = cril_words_column(s, axis, j);

            known = strcmp(other.name, group) == 0 || (j < i && strcmp(other.group, group) == 0);
        }
        if (!known)
            offer(o, group);
    }
}

size_t cril_words_find(const cril_study_info *s, char axis, const char *name)
{
    size_t i = 0;

    while (i < cril_words_columns(s, axis) && strcmp(cril_words_column(s, axis, i).name, name) != 0)
        i++;
    return i;
}

size_t cril_words_count(const cril_study_info *s, char axis, const char *group)
{
    size_t n = 0;

    for (size_t i = 0; i < cril_words_columns(s, axis); i++)
        n += strcmp(cril_words_column(s, axis, i).group, group) == 0;
    return n;
}

size_t cril_words_groups(const cril_study_info *s, char axis)
{
    size_t n = 0;

    for (size_t i = 0; i < cril_words_columns(s, axis); i++) {
        size_t k = 0;

        while (strcmp(cril_words_column(s, axis, k).group, cril_words_column(s, axis, i).group) !=
               0)
            k++;
        n += k == i;
    }
    return n;
}

static bool is_column_word(const cril_study_info *s, char axis, const char *word)
{
    return cril_words_find(s, axis, word) < cril_words_columns(s, axis) ||
           cril_words_count(s, axis, word) > 0;
}

cril_status cril_words_axis(const cril_study_info *s, char axis, const char *word, cril_error *err)
{
    static const struct {
        char other;
        const char *name, *none, *swapped;
    } sentences[] = {{'y', "x", "is no corpus and no group of corpora",
                      "is of benchmarks; x is a corpus or a group of corpora"},
                     {'x', "y", "is no benchmark and no group of benchmarks",
                      "is of corpora; y is a benchmark or a group of benchmarks"}};
    const bool is_y = axis == 'y', any = cril_words_columns(s, axis) > 0;
    struct offers o = {.word = word, .nearest.word = word};

    if (any && (strcmp(word, average) == 0 || (is_y && strcmp(word, plain) == 0) ||
                is_column_word(s, axis, word)))
        return CRIL_OK;
    if (any)
        offer(&o, average);
    if (any && is_y)
        offer(&o, plain);
    offer_columns(&o, s, axis);
    return refuse(&o, sentences[is_y].name,
                  is_column_word(s, sentences[is_y].other, word) ? sentences[is_y].swapped
                                                                 : sentences[is_y].none,
                  err);
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

    if (!m || (n_words && !words))
        return false;
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

/* Tags and families first: they are few, and used most. */
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
    struct offers o = {.word = name, .nearest.word = name};

    for (size_t i = 0; i < s->n_models; i++)
        if (has_word(&s->models[i], name))
            return CRIL_OK;
    offer_models(&o, s);
    return refuse(&o, "models", "is no model, no family and no tag", err);
}

cril_status cril_study_check_fit(const cril_study_info *s, const cril_study_fit *f, cril_error *err)
{
    if (CRIL_LACKS(err, s, f))
        return CRIL_ERR_RANGE;

    cril_status st;

    if ((st = cril_words_axis(s, 'x', f->x, err)) != CRIL_OK ||
        (st = cril_words_axis(s, 'y', f->y, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < f->n_models; i++)
        if ((st = cril_words_model(s, f->models[i], err)) != CRIL_OK)
            return st;
    for (size_t i = 0; i < s->n_models; i++)
        if (cril_study_selects(&s->models[i], f->models, f->n_models))
            return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE,
                     "models: these words choose no model; remove an exclusion");
}
