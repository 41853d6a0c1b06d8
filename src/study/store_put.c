/*
 * What is written into a store. Each row is checked as it would be when read, then inserted; where
 * its key exists, the existing row must be equal.
 */
#include "study/query.h"
#include "study/store.h"

#include "util/fail.h"
#include "util/hash.h"
#include "util/hex.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Keys ---- */

cril_status cril_hash_text(const char *text, char hex[65], cril_error *err)
{
    struct cril_sha256 *h;
    cril_status st = cril_sha256_create(&h, err);

    if (st != CRIL_OK)
        return st;
    if ((st = cril_sha256_update(h, text, strlen(text), err)) == CRIL_OK)
        st = cril_sha256_final(h, hex, err);
    cril_sha256_free(h);
    return st;
}

/* Fields hold no line feed (cril_is_name), so different parts make different texts. */
cril_status cril_store_corpus_id(cril_store_corpus *c, cril_error *err)
{
    if (CRIL_LACKS(err, c))
        return CRIL_ERR_RANGE;

    char text[512];
    cril_status st;

    if (!cril_is_sha256(c->sha256) || !cril_is_name(c->field, 1, sizeof(c->field)) ||
        !cril_is_name(c->format, 0, sizeof(c->format)) || c->limit > CRIL_MAX_COUNT)
        return cril_fail(
            err, CRIL_ERR_RANGE,
            "a corpus of SHA-256 \"%.64s\", field \"%.80s\", format \"%.15s\" cannot be filed",
            c->sha256, c->field, c->format);
    snprintf(text, sizeof(text), "text\n%s\n%s\n%s\n", c->sha256, c->field, c->format);
    if ((st = cril_hash_text(text, c->text, err)) != CRIL_OK)
        return st;
    snprintf(text, sizeof(text), "corpus\n%s\n%s\n%s\n%" PRIu64 "\n", c->sha256, c->field,
             c->format, c->limit);
    return cril_hash_text(text, c->id, err);
}

cril_status cril_cell_key(const cril_cell *c, uint8_t key[32], cril_error *err)
{
    char text[512], hex[65];
    cril_status st;

    if (!cril_is_sha256(c->model) || (c->base[0] && !cril_is_sha256(c->base)) ||
        !cril_is_sha256(c->text) || c->documents > UINT32_MAX ||
        !cril_is_name(c->protocol, 1, sizeof(c->protocol)) || !c->context ||
        c->context > CRIL_MAX_COUNT || !c->stride || c->stride > CRIL_MAX_COUNT ||
        c->numerics < 0 || c->rules < 0)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "a cell of model \"%.64s\", text \"%.64s\", %" PRIu64
                         " documents, protocol \"%.15s\", context %" PRIu64 ", stride %" PRIu64
                         ", numerics %d, rules %d cannot be filed",
                         c->model, c->text, c->documents, c->protocol, c->context, c->stride,
                         c->numerics, c->rules);
    snprintf(text, sizeof(text),
             "%s\n%s\n%s%s%s\n%" PRIu64 "\n%s\n%" PRIu64 "\n%" PRIu64 "\n%d\n%d\n",
             c->base[0] ? "divergence" : "cell", c->model, c->base, c->base[0] ? "\n" : "", c->text,
             c->documents, c->protocol, c->context, c->stride, c->numerics, c->rules);
    if ((st = cril_hash_text(text, hex, err)) == CRIL_OK)
        cril_hex_bytes(hex, key, 32);
    return st;
}

/* ---- Models, corpora, names ---- */

static cril_status other_facts(const cril_store *s, const char *what, const char *id,
                               cril_error *err)
{
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: has other facts of the %s %.12s than this run, for the same bytes; one "
                     "of the two was changed by hand or made by a program that counts differently",
                     s->path, what, id);
}

static cril_status check_model(const cril_store *s, const cril_store_model *m, cril_error *err)
{
    if (cril_is_sha256(m->sha256) && cril_is_name(m->architecture, 1, sizeof(m->architecture)) &&
        m->parameters <= CRIL_MAX_COUNT && m->bytes <= CRIL_MAX_COUNT && m->context &&
        m->context <= CRIL_MAX_COUNT)
        return CRIL_OK;
    return cril_fail(
        err, CRIL_ERR_RANGE,
        "%s: cannot hold a model of SHA-256 \"%.64s\", architecture \"%.60s\", context %" PRIu64,
        s->path, m->sha256, m->architecture, m->context);
}

cril_status cril_put_model(cril_store *s, const cril_store_model *m, cril_error *err)
{
    cril_store_model known;
    struct cril_query q;
    cril_status st = check_model(s, m, err);
    bool found;

    if (st != CRIL_OK ||
        (st = cril_store_model_by_id(s, m->sha256, &known, &found, err)) != CRIL_OK)
        return st;
    if (found)
        return strcmp(known.architecture, m->architecture) == 0 &&
                       known.parameters == m->parameters && known.bytes == m->bytes &&
                       known.context == m->context
                   ? CRIL_OK
                   : other_facts(s, "model", m->sha256, err);
    cril_query_start(&q, s, "INSERT INTO models VALUES(?, ?, ?, ?, ?)", err);
    cril_query_text(&q, m->sha256);
    cril_query_text(&q, m->architecture);
    cril_query_count(&q, m->parameters);
    cril_query_count(&q, m->bytes);
    cril_query_count(&q, m->context);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

static cril_status check_corpus(const cril_store *s, const cril_store_corpus *c, cril_error *err)
{
    cril_store_corpus copy = *c;
    cril_status st = cril_store_corpus_id(&copy, err);

    if (st != CRIL_OK)
        return st;
    if (strcmp(copy.id, c->id) == 0 && strcmp(copy.text, c->text) == 0 && c->documents &&
        c->documents <= UINT32_MAX && c->characters >= c->documents && c->bytes >= c->characters &&
        c->bytes <= CRIL_MAX_COUNT)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: cannot hold a corpus \"%.64s\" of %" PRIu64 " documents, %" PRIu64
                     " characters, %" PRIu64 " bytes; its id is that of cril_store_corpus_id, and "
                     "documents are 1 to 4294967295 with a character each",
                     s->path, c->id, c->documents, c->characters, c->bytes);
}

cril_status cril_put_text(cril_store *s, const char *text, uint64_t n_documents, cril_error *err)
{
    uint64_t known = n_documents;
    struct cril_query q;

    if (!cril_is_sha256(text) || !n_documents || n_documents > UINT32_MAX)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: cannot hold a text \"%.64s\" of %" PRIu64 " documents", s->path, text,
                         n_documents);
    cril_query_start(&q, s, "INSERT INTO texts VALUES(?, ?) ON CONFLICT(text) DO NOTHING", err);
    cril_query_text(&q, text);
    cril_query_count(&q, n_documents);
    cril_query_run(&q, NULL);
    if (cril_query_end(&q) != CRIL_OK)
        return q.st;
    cril_query_start(&q, s, "SELECT documents FROM texts WHERE text = ?", err);
    cril_query_text(&q, text);
    if (cril_query_next(&q))
        known = cril_query_get_count(&q, 0, "a text", UINT32_MAX);
    if (cril_query_end(&q) != CRIL_OK || known == n_documents)
        return q.st;
    return other_facts(s, "text", text, err);
}

cril_status cril_put_corpus(cril_store *s, const cril_store_corpus *c, cril_error *err)
{
    cril_store_corpus known;
    struct cril_query q;
    cril_status st = check_corpus(s, c, err);
    bool found;

    if (st != CRIL_OK || (st = cril_store_corpus_by_id(s, c->id, &known, &found, err)) != CRIL_OK)
        return st;
    if (found)
        return known.documents == c->documents && known.characters == c->characters &&
                       known.bytes == c->bytes
                   ? CRIL_OK
                   : other_facts(s, "corpus", c->id, err);
    cril_query_start(&q, s, "INSERT INTO corpora VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", err);
    cril_query_text(&q, c->id);
    cril_query_text(&q, c->text);
    cril_query_text(&q, c->sha256);
    cril_query_text(&q, c->field);
    cril_query_text(&q, c->format);
    cril_query_count(&q, c->limit);
    cril_query_count(&q, c->documents);
    cril_query_count(&q, c->characters);
    cril_query_count(&q, c->bytes);
    cril_query_run(&q, NULL);
    if (cril_query_end(&q) != CRIL_OK || (c->limit && c->documents == c->limit))
        return q.st;
    return cril_put_text(s, c->text, c->documents, err); /* the limit left nothing out */
}

const char *cril_name_kind(enum cril_name kind)
{
    static const char *const kinds[] = {"model", "corpus", "benchmark", "leak"};

    return kinds[kind];
}

cril_status cril_put_name(cril_store *s, enum cril_name kind, const char *name, const char *id,
                          bool replace, bool *changed, cril_error *err)
{
    struct cril_query q;
    char known[65] = "";

    if (!cril_is_name(name, 1, CRIL_MAX_NAME))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "\"%.100s\" cannot be the name of a %s; it takes 1 to %d bytes of UTF-8 "
                         "without control characters",
                         name, cril_name_kind(kind), CRIL_MAX_NAME - 1);
    cril_query_start(&q, s, "SELECT id FROM names WHERE kind = ? AND name = ?", err);
    cril_query_text(&q, cril_name_kind(kind));
    cril_query_text(&q, name);
    if (cril_query_next(&q))
        cril_query_get_sha256(&q, 0, "a name's SHA-256", known);
    if (cril_query_end(&q) != CRIL_OK)
        return q.st;
    if (changed)
        *changed = known[0] && strcmp(known, id) != 0;
    if (strcmp(known, id) == 0)
        return CRIL_OK;
    if (known[0] && !replace)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: here the %s \"%.100s\" is %.12s, there it is %.12s; merge databases "
                         "of the same files, or rename one of the two",
                         s->path, cril_name_kind(kind), name, known, id);
    cril_query_start(
        &q, s,
        "INSERT INTO names VALUES(?, ?, ?) ON CONFLICT(kind, name) DO UPDATE SET id = excluded.id",
        err);
    cril_query_text(&q, cril_name_kind(kind));
    cril_query_text(&q, name);
    cril_query_text(&q, id);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

cril_status cril_store_put_text(cril_store *s, const char *text, uint64_t n_documents,
                                cril_error *err)
{
    if (CRIL_LACKS(err, s, text))
        return CRIL_ERR_RANGE;

    cril_status st = cril_store_begin(s, true, err);

    return st == CRIL_OK ? cril_store_end(s, cril_put_text(s, text, n_documents, err), err) : st;
}

cril_status cril_store_put_model(cril_store *s, const char *name, const cril_store_model *m,
                                 bool *changed, cril_error *err)
{
    if (CRIL_LACKS(err, s, name, m))
        return CRIL_ERR_RANGE;

    cril_status st = cril_store_begin(s, true, err);

    if (st != CRIL_OK)
        return st;
    if ((st = cril_put_model(s, m, err)) == CRIL_OK)
        st = cril_put_name(s, CRIL_NAME_MODEL, name, m->sha256, true, changed, err);
    return cril_store_end(s, st, err);
}

cril_status cril_store_put_corpus(cril_store *s, const char *name, const cril_store_corpus *c,
                                  bool *changed, cril_error *err)
{
    if (CRIL_LACKS(err, s, name, c))
        return CRIL_ERR_RANGE;

    cril_status st = cril_store_begin(s, true, err);

    if (st != CRIL_OK)
        return st;
    if ((st = cril_put_corpus(s, c, err)) == CRIL_OK)
        st = cril_put_name(s, CRIL_NAME_CORPUS, name, c->id, true, changed, err);
    return cril_store_end(s, st, err);
}

cril_status cril_put_baseline(cril_store *s, const char *corpus_id, const cril_baseline *b,
                              cril_error *err)
{
    struct cril_query q;
    uint64_t known = b->bytes;
    bool changed = false;

    if (!cril_is_sha256(corpus_id) || !cril_is_name(b->name, 1, sizeof(b->name)) ||
        b->bytes > CRIL_MAX_COUNT)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: cannot hold a baseline \"%.23s\" of %" PRIu64 " bytes", s->path,
                         b->name, b->bytes);
    cril_query_start(
        &q, s, "INSERT INTO baselines VALUES(?, ?, ?) ON CONFLICT(corpus, name) DO NOTHING", err);
    cril_query_text(&q, corpus_id);
    cril_query_text(&q, b->name);
    cril_query_count(&q, b->bytes);
    cril_query_run(&q, &changed);
    if (cril_query_end(&q) != CRIL_OK || changed)
        return q.st;
    cril_query_start(&q, s, "SELECT bytes FROM baselines WHERE corpus = ? AND name = ?", err);
    cril_query_text(&q, corpus_id);
    cril_query_text(&q, b->name);
    if (cril_query_next(&q))
        known = cril_query_get_count(&q, 0, "a baseline", CRIL_MAX_COUNT);
    if (cril_query_end(&q) == CRIL_OK && known != b->bytes)
        return cril_fail(
            err, CRIL_ERR_MISMATCH,
            "%s: of the corpus %.12s, %s made %" PRIu64 " bytes, and now %" PRIu64
            "; versions of a compressor differ, so measure all baselines on one machine",
            s->path, corpus_id, b->name, known, b->bytes);
    return q.st;
}

cril_status cril_store_put_baselines(cril_store *s, const char *corpus_id, const cril_baseline *b,
                                     size_t n, cril_error *err)
{
    if (CRIL_LACKS(err, s, corpus_id) || (n && CRIL_LACKS(err, b)))
        return CRIL_ERR_RANGE;

    cril_status st = cril_store_begin(s, true, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        st = cril_put_baseline(s, corpus_id, &b[i], err);
    return cril_store_end(s, st, err);
}

/* ---- Cells ---- */

/* Whether all is known that a cell is of; *n_documents: how many it can have. */
static cril_status check_known(cril_store *s, const cril_cell *c, uint64_t *n_documents,
                               cril_error *err)
{
    const char *const models[] = {c->model, c->base};
    cril_status st;

    for (size_t i = 0; i < 1 + (c->base[0] != '\0'); i++) {
        cril_store_model m;
        bool found;

        if ((st = cril_store_model_by_id(s, models[i], &m, &found, err)) != CRIL_OK)
            return st;
        if (!found)
            return cril_fail(err, CRIL_ERR_RANGE,
                             "%s: holds nothing of the model %.12s, whose documents were to be "
                             "added",
                             s->path, models[i]);
    }
    if ((st = cril_store_documents_of(s, c, n_documents, err)) == CRIL_OK && !*n_documents)
        st = cril_fail(err, CRIL_ERR_RANGE,
                       "%s: holds nothing of the corpus %.12s, whose documents were to be added",
                       s->path, c->text);
    return st;
}

cril_status cril_put_cell(cril_store *s, const cril_cell *c, uint64_t *n_documents, cril_error *err)
{
    struct cril_query q;
    uint8_t key[32];
    cril_status st = cril_cell_key(c, key, err);

    if (st != CRIL_OK || (st = check_known(s, c, n_documents, err)) != CRIL_OK)
        return st;
    cril_query_start(&q, s,
                     c->base[0] ? "INSERT INTO divergence_cells VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, "
                                  "?) ON CONFLICT(key) DO NOTHING"
                                : "INSERT INTO cells VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON "
                                  "CONFLICT(key) DO NOTHING",
                     err);
    cril_query_key(&q, key);
    cril_query_text(&q, c->model);
    if (c->base[0])
        cril_query_text(&q, c->base);
    cril_query_text(&q, c->text);
    cril_query_count(&q, c->documents);
    cril_query_text(&q, c->protocol);
    cril_query_count(&q, c->context);
    cril_query_count(&q, c->stride);
    cril_query_count(&q, (uint64_t)c->numerics);
    cril_query_count(&q, (uint64_t)c->rules);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

static cril_status differs(cril_store *s, const cril_cell *c, const cril_document_score *known,
                           const cril_document_score *d, const char *unicode, cril_error *err)
{
    char model[64], corpus[64], here[CRIL_UNICODE_SPOKEN];

    cril_store_name_of(s, CRIL_NAME_MODEL, c->model, model, sizeof(model));
    cril_store_name_of(s, CRIL_NAME_CORPUS, c->text, corpus, sizeof(corpus));
    cril_store_unicode_of(s, c, here);
    if (known->token_ids != d->token_ids)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: document %" PRIu64 " (line %" PRIu64 ") of %s by %s, protocol %s "
                         "%" PRIu64 "/%" PRIu64 ", is known with token ids of hash %016" PRIx64
                         " (%s) and came with %016" PRIx64
                         " (%s); use the same libraries on all machines",
                         s->path, d->index, d->line, corpus, model, c->protocol, c->context,
                         c->stride, known->token_ids, here, d->token_ids, unicode);
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: document %" PRIu64 " (line %" PRIu64 ") of %s by %s, protocol %s %" PRIu64
                     "/%" PRIu64 ", is known with %.17g nats of %" PRIu64
                     " tokens and came with %.17g of %" PRIu64
                     "; all machines must compute the same bits, so run `cril selftest` where it "
                     "was computed; if that passes, the file was changed",
                     s->path, d->index, d->line, corpus, model, c->protocol, c->context, c->stride,
                     known->nats, known->scored_tokens, d->nats, d->scored_tokens);
}

static bool equal(const cril_document_score *a, const cril_document_score *b)
{
    return a->index == b->index && a->line == b->line &&
           memcmp(&a->nats, &b->nats, sizeof(a->nats)) == 0 && a->tokens == b->tokens &&
           a->scored_tokens == b->scored_tokens && a->characters == b->characters &&
           a->bytes == b->bytes && a->unspelled_characters == b->unspelled_characters &&
           a->token_ids == b->token_ids && a->escape_bytes == b->escape_bytes;
}

static cril_status check_document(const cril_store *s, uint64_t n_documents,
                                  const cril_document_score *d, cril_error *err)
{
    if (d->index < n_documents && d->nats >= 0 && d->nats <= CRIL_MAX_NATS && !signbit(d->nats) &&
        cril_is_document(d))
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: cannot hold document %" PRIu64 " of %" PRIu64 " with %g nats, %" PRIu64
                     " of %" PRIu64 " tokens scored, %" PRIu64 " characters in %" PRIu64
                     " bytes, %" PRIu64 " unspelled in %" PRIu64,
                     s->path, d->index, n_documents, d->nats, d->scored_tokens, d->tokens,
                     d->characters, d->bytes, d->unspelled_characters, d->escape_bytes);
}

/* The row that has d's place. */
static cril_status compare_known(cril_store *s, const cril_cell *c, const uint8_t key[32],
                                 const cril_document_score *d, const char *unicode, cril_error *err)
{
    cril_document_score known = {0};
    struct cril_query q;

    cril_query_start(
        &q, s, "SELECT " CRIL_DOCUMENT_COLUMNS " FROM documents WHERE cell = ? AND idx = ?", err);
    cril_query_key(&q, key);
    cril_query_count(&q, d->index);
    if (cril_query_next(&q))
        cril_query_get_document(&q, &known);
    if (cril_query_end(&q) != CRIL_OK || equal(&known, d))
        return q.st;
    return differs(s, c, &known, d, unicode, err);
}

cril_status cril_put_documents(cril_store *s, const cril_cell *c, uint64_t n_documents,
                               const cril_document_score *rows, size_t n, const char *unicode,
                               cril_error *err)
{
    struct cril_query q;
    uint8_t key[32];
    cril_status st = cril_cell_key(c, key, err);

    if (st != CRIL_OK)
        return st;
    cril_query_start(&q, s,
                     "INSERT INTO documents(cell, " CRIL_DOCUMENT_COLUMNS
                     ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(cell, idx) DO NOTHING",
                     err);
    for (size_t i = 0; i < n && q.st == CRIL_OK; i++) {
        const cril_document_score *d = &rows[i];
        bool changed = true;

        if ((q.st = check_document(s, n_documents, d, err)) != CRIL_OK)
            break;
        cril_query_again(&q);
        cril_query_key(&q, key);
        cril_query_count(&q, d->index);
        cril_query_count(&q, d->line);
        cril_query_real(&q, d->nats);
        cril_query_count(&q, d->tokens);
        cril_query_count(&q, d->scored_tokens);
        cril_query_count(&q, d->characters);
        cril_query_count(&q, d->bytes);
        cril_query_count(&q, d->unspelled_characters);
        cril_query_count(&q, d->escape_bytes);
        cril_query_bits(&q, d->token_ids);
        cril_query_run(&q, &changed);
        if (q.st == CRIL_OK && !changed)
            q.st = compare_known(s, c, key, d, unicode, err);
    }
    return cril_query_end(&q);
}

cril_status cril_put_unicode_by_key(cril_store *s, const uint8_t key[32], const cril_unicode *u,
                                    cril_error *err)
{
    struct cril_query q;

    cril_query_start(
        &q, s, "INSERT INTO unicode VALUES(?, ?, ?) ON CONFLICT(cell, pcre2, utf8proc) DO NOTHING",
        err);
    cril_query_key(&q, key);
    cril_query_text(&q, u->pcre2);
    cril_query_text(&q, u->utf8proc);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

cril_status cril_put_unicode(cril_store *s, const cril_cell *c, const cril_unicode *u,
                             cril_error *err)
{
    uint8_t key[32];
    const cril_status st = cril_cell_key(c, key, err);

    return st == CRIL_OK ? cril_put_unicode_by_key(s, key, u, err) : st;
}

cril_status cril_store_put(cril_store *s, const cril_cell *cell,
                           const cril_document_score *documents, size_t n, cril_error *err)
{
    if (CRIL_LACKS(err, s, cell) || (n && CRIL_LACKS(err, documents)))
        return CRIL_ERR_RANGE;

    const cril_unicode here = cril_unicode_here();
    char unicode[CRIL_UNICODE_SPOKEN];
    uint64_t n_documents;
    cril_status st;

    if (!n)
        return CRIL_OK;
    if (cell->base[0])
        return cril_fail(err, CRIL_ERR_RANGE, "%s: a cell of divergence holds no nats of documents",
                         s->path);
    cril_unicode_speak(&here, unicode);
    if ((st = cril_store_begin(s, true, err)) != CRIL_OK)
        return st;
    if ((st = cril_put_cell(s, cell, &n_documents, err)) == CRIL_OK &&
        (st = cril_put_documents(s, cell, n_documents, documents, n, unicode, err)) == CRIL_OK)
        st = cril_put_unicode(s, cell, &here, err);
    return cril_store_end(s, st, err);
}

/* ---- Stamps ---- */

cril_status cril_put_stamp(cril_store *s, const char *sha256, uint64_t stamp, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s, "INSERT INTO stamps VALUES(?, ?) ON CONFLICT DO NOTHING", err);
    cril_query_text(&q, sha256);
    cril_query_bits(&q, stamp);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

cril_status cril_store_put_stamp(cril_store *s, const char *sha256, uint64_t stamp, cril_error *err)
{
    cril_status st = cril_store_begin(s, true, err);

    return st == CRIL_OK ? cril_store_end(s, cril_put_stamp(s, sha256, stamp, err), err) : st;
}

/* ---- Figures from elsewhere ---- */

static const char *const import_sql[] = {
    "INSERT INTO bpc VALUES(?, ?, ?, ?, ?)"
    " ON CONFLICT(model, corpus) DO UPDATE SET bpc = excluded.bpc, se = excluded.se, source = "
    "excluded.source",
    "INSERT INTO scores VALUES(?, ?, ?, ?, ?)"
    " ON CONFLICT(model, benchmark) DO UPDATE SET score = excluded.score, se = excluded.se, source "
    "= excluded.source"};

static cril_status check_import(cril_figure_kind kind, const cril_figure *row, cril_error *err)
{
    if (!cril_is_name(row->model, 1, CRIL_MAX_NAME) || !cril_is_name(row->of, 1, CRIL_MAX_NAME))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "\"%.60s\" on \"%.60s\": a model, a corpus and a benchmark need names, of "
                         "up to %d bytes of UTF-8 without control "
                         "characters",
                         row->model, row->of, CRIL_MAX_NAME - 1);
    if (!cril_is_name(row->source, 1, CRIL_MAX_NAME))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%.60s on %.60s has no source; say in up to %d bytes of UTF-8, without "
                         "control characters, where the figure is from",
                         row->model, row->of, CRIL_MAX_NAME - 1);
    if (kind == CRIL_FIGURE_SCORE && !(row->value >= 0 && row->value <= 1))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%.60s on %.60s has a score of %g; it must be a share of 1, from 0 to 1",
                         row->model, row->of, row->value);
    if (!(row->value >= 0 && row->value <= CRIL_MAX_BPC))
        return cril_fail(
            err, CRIL_ERR_RANGE,
            "%.60s on %.60s has %g bits per character; it must be a number from 0 to %g",
            row->model, row->of, row->value, CRIL_MAX_BPC);
    if (row->se < 0 || row->se > CRIL_MAX_BPC)
        return cril_fail(
            err, CRIL_ERR_RANGE,
            "%.60s on %.60s has a standard error of %g; it must be 0 or more, NaN where it is "
            "not known",
            row->model, row->of, row->se);
    return CRIL_OK;
}

static bool same_import(const cril_figure *a, const cril_figure *b)
{
    return a->value == b->value && cril_figure_same_error(a, b) &&
           strcmp(a->source, b->source) == 0;
}

cril_status cril_put_import(cril_store *s, cril_figure_kind kind, const cril_figure *row,
                            bool replace, bool *changed, cril_error *err)
{
    static const char *const units[] = {"bits per character", "of 1"};
    cril_figure known;
    struct cril_query q;
    bool found, same;
    cril_status st = check_import(kind, row, err);

    if (st != CRIL_OK ||
        (st = cril_store_find_import(s, kind, row->model, row->of, &known, &found, err)) != CRIL_OK)
        return st;
    same = found && same_import(&known, row);
    if (changed)
        *changed = !same;
    if (found && !same && !replace)
        st = cril_fail(err, CRIL_ERR_MISMATCH,
                       "%s: here %.60s has %.17g %s on %.60s (%.60s), there %.17g (%.60s); import "
                       "the right one into both",
                       s->path, row->model, known.value, units[kind], row->of, known.source,
                       row->value, row->source);
    if (found)
        cril_figure_free(&known);
    if (st != CRIL_OK || same)
        return st;
    cril_query_start(&q, s, import_sql[kind], err);
    cril_query_text(&q, row->model);
    cril_query_text(&q, row->of);
    cril_query_real(&q, row->value + 0.0); /* never -0 */
    cril_query_error(&q, row->se);
    cril_query_text(&q, row->source);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

cril_status cril_store_import(cril_store *s, cril_figure_kind kind, const cril_figure *rows,
                              size_t n, size_t *changed, cril_error *err)
{
    if (CRIL_LACKS(err, s) || (n && CRIL_LACKS(err, rows)))
        return CRIL_ERR_RANGE;

    size_t n_changed = 0;
    cril_error why;
    cril_status st = cril_store_begin(s, true, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        bool one = false;

        if ((st = cril_put_import(s, kind, &rows[i], true, &one, &why)) != CRIL_OK)
            st == CRIL_ERR_RANGE ? cril_fail(err, st, "row %zu: %s", i + 1, why.message)
                                 : cril_fail(err, st, "%s", why.message);
        n_changed += one;
    }
    if ((st = cril_store_end(s, st, err)) == CRIL_OK && changed)
        *changed = n_changed;
    return st;
}
