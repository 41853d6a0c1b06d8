/*
 * Which rows of a database belong to a study file as it is now.
 *
 * A cell is named by hashes, which cannot be had without reading everything again. Two things can:
 * what the study file says (field, format, limit), and what the file system says of a file (its
 * stamp). A file with the stamp of one that was read is that file, under any name. A file with an
 * unknown stamp is hashed; the next run keeps its stamp.
 *
 * A figure that was complete for what a name stood for is out of date when the name stands for
 * something else now, and until that is complete; so is a figure by other rules.
 */
#include "study/current.h"

#include "study/stamp.h"
#include "study/store.h"
#include "study/survey.h"

#include "util/fail.h"
#include "util/size.h"

#include <cril/model.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Files ---- */

/* Reads a file for its hash; sha256 is "" where it cannot be read as what it was. */
static cril_status hash_model(const char *path, char sha256[65], cril_error *err)
{
    cril_model *m = NULL;
    cril_status st = cril_model_open(path, &m, err);

    if (st == CRIL_OK)
        st = cril_model_sha256(m, sha256, err);
    cril_model_close(m);
    return st;
}

static cril_status hash_corpus(const char *path, char sha256[65], cril_error *err)
{
    cril_corpus *c = NULL;
    cril_status st = cril_corpus_open(path, NULL, &c, err);

    if (st == CRIL_OK)
        st = cril_corpus_sha256(c, sha256, err);
    cril_corpus_close(c);
    return st;
}

/* The reader that hashes a file whose stamp is not known, and whether the hash is needed.
 */
struct asked {
    enum cril_stamped what;
    cril_status (*hash)(const char *path, char sha256[65], cril_error *err);
    bool (*is_worth)(const struct cril_current *c, size_t i, const struct cril_stamps *stamps);
};

/* The hash of what lies at path; "" where it is not known. */
static cril_status identify(const struct cril_current *c, const char *path, size_t i,
                            const struct asked *asked, char sha256[65], cril_error *err)
{
    struct cril_stamps stamps;
    bool is_worth = false;
    cril_error why;
    cril_status st = cril_stamps_take(path, asked->what, &stamps, err);

    sha256[0] = '\0';
    if (st == CRIL_OK && stamps.all)
        st = cril_store_find_stamp(c->store, stamps.all, sha256, err);
    if (st == CRIL_OK && !sha256[0])
        is_worth = asked->is_worth(c, i, &stamps);
    cril_stamps_free(&stamps);
    if (st != CRIL_OK || !is_worth)
        return st;
    if ((st = asked->hash(path, sha256, &why)) == CRIL_ERR_NOMEM)
        return cril_fail(err, st, "%s", why.message);
    if (st != CRIL_OK)
        sha256[0] = '\0'; /* it is not such a file any more */
    return CRIL_OK;
}

/* Its file may be the one that the name stood for, or one that a former name of the study stood
 * for. */
static bool is_model_worth(const struct cril_current *c, size_t i, const struct cril_stamps *stamps)
{
    const struct cril_model_now *now = &c->models[i];

    if (now->has_before)
        return now->before.bytes == stamps->bytes;
    for (size_t k = 0; k < c->n_former; k++)
        if (c->former[k].bytes == stamps->bytes)
            return true;
    return false;
}

static cril_status look_at_model(struct cril_current *c, size_t i, cril_error *err)
{
    static const struct asked asked = {CRIL_STAMPED_MODEL, hash_model, is_model_worth};
    const cril_study_model *m = &c->study->models[i];
    struct cril_model_now *now = &c->models[i];
    char sha256[65];
    cril_status st = cril_store_find_model(c->store, m->name, &now->before, &now->has_before, err);

    if (st != CRIL_OK || (!m->path && !now->has_before))
        return st;
    if (!m->path) {
        now->facts = now->before;
        now->known = true;
        now->has_before = false;
        return CRIL_OK;
    }
    if ((st = identify(c, m->path, i, &asked, sha256, err)) != CRIL_OK ||
        (sha256[0] &&
         (st = cril_store_model_by_id(c->store, sha256, &now->facts, &now->known, err)) != CRIL_OK))
        return st;
    now->has_before = now->has_before && strcmp(now->before.sha256, sha256) != 0;
    return CRIL_OK;
}

static bool is_corpus_worth(const struct cril_current *c, size_t i,
                            const struct cril_stamps *stamps)
{
    (void)stamps;
    return c->corpora[i].has_before;
}

void cril_say_limits(uint64_t was, uint64_t is, char *out, size_t size)
{
    char before[32] = "none", now[32] = "none";

    if (was)
        snprintf(before, sizeof(before), "%" PRIu64, was);
    if (is)
        snprintf(now, sizeof(now), "%" PRIu64, is);
    snprintf(out, size, "the limit was %s and is %s", before, now);
}

static void say_change(struct cril_corpus_now *now, const cril_store_corpus *want)
{
    const cril_store_corpus *was = &now->before;

    if (strcmp(was->sha256, want->sha256) != 0)
        snprintf(now->why, sizeof(now->why), "the corpus has changed");
    else if (strcmp(was->field, want->field) != 0)
        snprintf(now->why, sizeof(now->why), "the field was \"%.30s\" and is \"%.30s\"", was->field,
                 want->field);
    else if (strcmp(was->format, want->format) != 0)
        snprintf(now->why, sizeof(now->why), "the format was \"%s\" and is \"%s\"", was->format,
                 want->format);
    else
        cril_say_limits(was->limit, want->limit, now->why, sizeof(now->why));
}

/* Limits that leave nothing out are equal, and equal to no limit. */
static cril_status find_whole(cril_store *s, const cril_store_corpus *want,
                              cril_store_corpus *facts, bool *known, cril_error *err)
{
    uint64_t n;
    cril_status st = cril_store_find_text(s, want->text, &n, err);

    if (st != CRIL_OK || !n || (want->limit && want->limit < n))
        return st;
    return cril_store_corpus_of(s, want->text, n, facts, known, err);
}

static cril_status look_at_corpus(struct cril_current *c, size_t i, cril_error *err)
{
    const cril_study_corpus *corpus = &c->study->corpora[i];
    static const struct asked asked = {CRIL_STAMPED_CORPUS, hash_corpus, is_corpus_worth};
    struct cril_corpus_now *now = &c->corpora[i];
    cril_store_corpus want = {0};
    cril_status st =
        cril_store_find_corpus(c->store, corpus->name, &now->before, &now->has_before, err);

    if (st != CRIL_OK || (!corpus->path && !now->has_before))
        return st;
    if (!corpus->path) {
        now->facts = now->before;
        now->known = true;
        now->has_before = false;
        return CRIL_OK;
    }
    if ((st = identify(c, corpus->path, i, &asked, want.sha256, err)) != CRIL_OK)
        return st;
    if (!cril_corpus_facts(&corpus->options, &want))
        return CRIL_OK; /* names that no run takes */
    if (want.sha256[0]) {
        if ((st = cril_store_corpus_id(&want, err)) != CRIL_OK ||
            (st = cril_store_corpus_by_id(c->store, want.id, &now->facts, &now->known, err)) !=
                CRIL_OK)
            return st;
        if (!now->known &&
            (st = find_whole(c->store, &want, &now->facts, &now->known, err)) != CRIL_OK)
            return st;
    }
    now->has_before =
        now->has_before && (!now->known || strcmp(now->before.id, now->facts.id) != 0);
    if (now->has_before)
        say_change(now, &want);
    return CRIL_OK;
}

/* ---- Former names ---- */

static bool names_model(const cril_study_info *s, const char *name)
{
    for (size_t i = 0; i < s->n_models; i++)
        if (strcmp(s->models[i].name, name) == 0)
            return true;
    return false;
}

static cril_status on_name(void *user, enum cril_name kind, const char *name, const char *id,
                           cril_error *err)
{
    struct cril_current *c = user;
    struct cril_named *former;

    if (kind != CRIL_NAME_MODEL || names_model(c->study, name))
        return CRIL_OK;
    if (!(former = cril_size_grow(c->former, &c->former_size, c->n_former, 1, sizeof(*former))))
        return cril_store_no_memory(c->store, err);
    c->former = former;
    former += c->n_former++;
    strcpy(former->name, name);
    strcpy(former->id, id);
    former->bytes = 0;
    return CRIL_OK;
}

static cril_status weigh_former(struct cril_current *c, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < c->n_former && st == CRIL_OK; i++) {
        cril_store_model m;
        bool found;

        st = cril_store_model_by_id(c->store, c->former[i].id, &m, &found, err);
        if (st == CRIL_OK && found)
            c->former[i].bytes = m.bytes;
    }
    return st;
}

const char *cril_current_former_name(const cril_current *c, size_t model, size_t i)
{
    if (!c || model >= c->study->n_models)
        return NULL;

    const struct cril_model_now *m = &c->models[model];

    for (size_t k = 0; k < c->n_former && m->known && c->study->models[model].path; k++)
        if (strcmp(c->former[k].id, m->facts.sha256) == 0 && !i--)
            return c->former[k].name;
    return NULL;
}

/* ---- Cells ---- */

/* What a cell is of, as it is now and as it was. base NULL: the cell is of bits. */
struct parts {
    const struct cril_model_now *m, *base;
    const struct cril_corpus_now *t;
};

static bool is_known(const struct parts *x)
{
    return x->m->known && (!x->base || x->base->known) && x->t->known;
}

static bool has_changed(const struct parts *x)
{
    return x->m->has_before || (x->base && x->base->has_before) || x->t->has_before;
}

/* Whether something is known of each part, as it is now or as it was. */
static bool was_known(const struct parts *x)
{
    return (x->m->known || x->m->has_before) &&
           (!x->base || x->base->known || x->base->has_before) && (x->t->known || x->t->has_before);
}

static cril_status cell_of(const struct parts *x, const cril_study_protocol *p, cril_cell *out,
                           cril_error *err)
{
    return x->base
               ? cril_divergence_cell_of(&x->m->facts, &x->base->facts, &x->t->facts, p, out, err)
               : cril_cell_of(&x->m->facts, &x->t->facts, p, out, err);
}

/* The model from which a model's divergence is measured; NULL: there is none. */
static const struct cril_model_now *base_of(const struct cril_current *c, size_t model)
{
    const char *base = c->study->models[model].base;

    for (size_t i = 0; base && i < c->study->n_models; i++)
        if (strcmp(c->study->models[i].name, base) == 0)
            return &c->models[i];
    return NULL;
}

static bool same_cell(const cril_cell *a, const cril_cell *b)
{
    return strcmp(a->model, b->model) == 0 && strcmp(a->base, b->base) == 0 &&
           strcmp(a->text, b->text) == 0 && a->documents == b->documents &&
           strcmp(a->protocol, b->protocol) == 0 && a->context == b->context &&
           a->stride == b->stride && a->numerics == b->numerics && a->rules == b->rules;
}

static cril_status mark_cell(struct cril_current *c, const struct parts *x,
                             const cril_study_protocol *p, cril_error *err)
{
    cril_cell cell;
    cril_status st;

    if (!is_known(x))
        return CRIL_OK;
    st = cell_of(x, p, &cell, err);
    for (size_t i = 0; i < c->n_cells && st == CRIL_OK; i++)
        c->is_current[i] |= same_cell(&c->cells[i], &cell);
    return st;
}

static cril_status mark_current(struct cril_current *c, cril_error *err)
{
    const cril_study_info *s = c->study;
    cril_status st = CRIL_OK;

    for (size_t m = 0; m < s->n_models; m++)
        for (size_t t = 0; t < s->n_corpora; t++)
            for (size_t p = 0; p < s->n_protocols && st == CRIL_OK; p++) {
                struct parts x = {.m = &c->models[m], .t = &c->corpora[t]};

                st = mark_cell(c, &x, &s->protocols[p], err);
                if (st == CRIL_OK && (x.base = base_of(c, m)))
                    st = mark_cell(c, &x, &s->protocols[p], err);
            }
    return st;
}

/* In what the old figure's making differs from the new one's; NULL: this cell has no figure. */
static const char *say_rules(const cril_cell *old, const cril_cell *now, char why[200])
{
    if (old->rules != now->rules)
        snprintf(why, 200, "it is by version %d of the scoring rules, this cril has %d", old->rules,
                 now->rules);
    else if (old->numerics != now->numerics)
        snprintf(why, 200, "it is by version %d of the numeric contract, this cril has %d",
                 old->numerics, now->numerics);
    else if (old->context != now->context)
        snprintf(why, 200, "the context was %" PRIu64 " and is %" PRIu64, old->context,
                 now->context);
    else if (old->stride != now->stride)
        snprintf(why, 200, "the stride was %" PRIu64 " and is %" PRIu64, old->stride, now->stride);
    else
        snprintf(why, 200, "it is of %" PRIu64 " documents, the corpus has %" PRIu64 " now",
                 old->documents, now->documents);
    return why;
}

/* Of as many joined documents first, then newer rules. */
static bool is_better(const cril_cell *a, const cril_cell *b, uint64_t documents)
{
    if ((a->documents == documents) != (b->documents == documents))
        return a->documents == documents;
    return a->rules != b->rules ? a->rules > b->rules : a->numerics > b->numerics;
}

static const char *id_of(const struct cril_model_now *m)
{
    return !m ? "" : m->has_before ? m->before.sha256 : m->facts.sha256;
}

/* Of the cells of the parts as they were, by a protocol of that name, the one to show as out of
 * date. */
static cril_status find_old(struct cril_current *c, const struct parts *x,
                            const cril_study_protocol *p, cril_cell_state *out, cril_error *err)
{
    const cril_store_corpus *corpus = x->t->has_before ? &x->t->before : &x->t->facts;

    for (size_t i = 0; i < c->n_cells; i++) {
        const cril_cell *old = &c->cells[i];
        cril_store_corpus of = *corpus;
        uint64_t n;
        cril_status st;

        if (strcmp(old->model, id_of(x->m)) != 0 || strcmp(old->base, id_of(x->base)) != 0 ||
            strcmp(old->text, corpus->text) != 0 || strcmp(old->protocol, p->name) != 0 ||
            (!has_changed(x) && c->is_current[i]) ||
            (out->out_of_date && !is_better(old, &out->old_cell, corpus->documents)))
            continue;
        if (old->documents) /* of the joined, whose number may be another one */
            of.documents = old->documents;
        if ((st = cril_store_count(c->store, old, of.documents, &n, err)) != CRIL_OK)
            return st;
        if (n != of.documents)
            continue;
        out->out_of_date = true;
        out->old_cell = *old;
        out->old_corpus = of;
    }
    return CRIL_OK;
}

static cril_status look_at_cell(struct cril_current *c, const struct parts *x,
                                const cril_study_protocol *p, cril_cell_state *out, cril_error *err)
{
    cril_status st;

    out->known = is_known(x);
    if (x->t->known)
        out->corpus = x->t->facts;
    if (out->known) {
        if ((st = cell_of(x, p, &out->cell, err)) != CRIL_OK ||
            (st = cril_store_count(c->store, &out->cell, x->t->facts.documents, &out->done, err)) !=
                CRIL_OK)
            return st;
        if ((out->complete = out->done == x->t->facts.documents))
            return CRIL_OK;
    }
    if (!was_known(x))
        return CRIL_OK;
    if ((st = find_old(c, x, p, out, err)) != CRIL_OK || !out->out_of_date)
        return st;
    if (x->m->has_before)
        snprintf(out->why, sizeof(out->why), "the model's file has changed");
    else if (x->base && x->base->has_before)
        snprintf(out->why, sizeof(out->why), "the base's file has changed");
    else if (x->t->has_before)
        snprintf(out->why, sizeof(out->why), "%s", x->t->why);
    else
        say_rules(&out->old_cell, &out->cell, out->why);
    return CRIL_OK;
}

cril_status cril_current_cell(cril_current *c, size_t model, size_t corpus,
                              const cril_study_protocol *p, cril_cell_state *out, cril_error *err)
{
    if (CRIL_LACKS(err, c, p, out))
        return CRIL_ERR_RANGE;

    const struct parts x = {.m = &c->models[model], .t = &c->corpora[corpus]};

    *out = (cril_cell_state){0};
    return look_at_cell(c, &x, p, out, err);
}

cril_status cril_current_divergence(cril_current *c, size_t model, size_t corpus,
                                    const cril_study_protocol *p, cril_cell_state *out,
                                    cril_error *err)
{
    if (CRIL_LACKS(err, c, p, out))
        return CRIL_ERR_RANGE;

    const struct parts x = {
        .m = &c->models[model], .base = base_of(c, model), .t = &c->corpora[corpus]};

    *out = (cril_cell_state){0};
    return x.base ? look_at_cell(c, &x, p, out, err) : CRIL_OK;
}

/* ---- Life ---- */

static cril_status look(struct cril_current *c, cril_error *err)
{
    const struct cril_visit names = {.user = c, .name = on_name};
    cril_status st = CRIL_OK;

    c->models = calloc(c->study->n_models + 1, sizeof(*c->models));
    c->corpora = calloc(c->study->n_corpora + 1, sizeof(*c->corpora));
    c->benchmarks = calloc(c->study->n_benchmarks + 1, sizeof(*c->benchmarks));
    if (!c->models || !c->corpora || !c->benchmarks)
        return cril_store_no_memory(c->store, err);
    if ((st = cril_store_visit(c->store, &names, err)) != CRIL_OK ||
        (st = weigh_former(c, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < c->study->n_models && st == CRIL_OK; i++)
        st = look_at_model(c, i, err);
    for (size_t i = 0; i < c->study->n_corpora && st == CRIL_OK; i++)
        st = look_at_corpus(c, i, err);
    for (size_t i = 0; i < c->study->n_benchmarks && st == CRIL_OK; i++)
        st = cril_current_look_at_benchmark(c, i, err);
    if (st == CRIL_OK)
        st = cril_store_item_cells(c->store, &c->item_cells, &c->n_item_cells, err);
    if (st != CRIL_OK ||
        (st = cril_store_all_cells(c->store, &c->cells, &c->n_cells, err)) != CRIL_OK)
        return st;
    if (!(c->is_current = calloc(c->n_cells + 1, sizeof(*c->is_current))))
        return cril_store_no_memory(c->store, err);
    return mark_current(c, err);
}

cril_status cril_current_look(cril_store *s, const cril_study_info *study, cril_current **out,
                              cril_error *err)
{
    if (CRIL_LACKS(err, s, study, out))
        return CRIL_ERR_RANGE;

    struct cril_current *c = calloc(1, sizeof(*c));
    cril_status st;

    if (!c)
        return cril_store_no_memory(s, err);
    c->store = s;
    c->study = study;
    if ((st = look(c, err)) == CRIL_OK)
        *out = c;
    else
        cril_current_free(c);
    return st;
}

void cril_current_free(cril_current *c)
{
    if (!c)
        return;
    free(c->models);
    free(c->corpora);
    free(c->benchmarks);
    free(c->cells);
    free(c->item_cells);
    free(c->is_current);
    free(c->former);
    free(c);
}

bool cril_current_model(const cril_current *c, size_t model, cril_store_model *out)
{
    if (!c || !out || model >= c->study->n_models || !c->models[model].known)
        return false;
    *out = c->models[model].facts;
    return true;
}

bool cril_current_corpus(const cril_current *c, size_t corpus, cril_store_corpus *out)
{
    if (!c || !out || corpus >= c->study->n_corpora || !c->corpora[corpus].known)
        return false;
    *out = c->corpora[corpus].facts;
    return true;
}

cril_store *cril_current_store(const cril_current *c)
{
    return c->store;
}

const cril_study_info *cril_current_study(const cril_current *c)
{
    return c->study;
}
