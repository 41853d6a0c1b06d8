/*
 * A file of an earlier version brought to that of this cril. Version 4 had no leak scores, version
 * 3 no divergences, version 2 no benchmarks' items either; the tables for them are added. Version 1
 * named a cell by a corpus with its limit, and knew neither the rules of scoring nor token ids.
 *
 * Its tables that changed are set aside under another name, declared anew, filled row by row by the
 * calls that every row comes in by, and dropped. Nothing is lost: what was imported stays as it
 * was, measured cells become those of version 1 of the scoring rules. Cells of one text that
 * differed in their limit alone become one.
 */
#include "study/query.h"
#include "study/store.h"

#include "score/protocol.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { OLD_RULES = 1, ROWS_AT_ONCE = 256 };

static const struct cril_table old_tables[] = {
    {"baselines",
     "CREATE TABLE baselines(corpus TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,"
     " PRIMARY KEY(corpus, name)) WITHOUT ROWID"},
    {"bpc", "CREATE TABLE bpc(model TEXT NOT NULL, corpus TEXT NOT NULL, bpc REAL NOT NULL, se "
            "REAL NOT NULL, source TEXT NOT NULL,"
            " PRIMARY KEY(model, corpus)) WITHOUT ROWID"},
    {"cells", "CREATE TABLE cells(key BLOB PRIMARY KEY NOT NULL, model TEXT NOT NULL, corpus TEXT "
              "NOT NULL, protocol TEXT NOT NULL,"
              " context INTEGER NOT NULL, stride INTEGER NOT NULL, numerics INTEGER NOT NULL) "
              "WITHOUT ROWID"},
    {"corpora", "CREATE TABLE corpora(id TEXT PRIMARY KEY NOT NULL, sha256 TEXT NOT NULL, field "
                "TEXT NOT NULL, format TEXT NOT NULL,"
                " lim INTEGER NOT NULL, documents INTEGER NOT NULL, characters INTEGER NOT NULL, "
                "bytes INTEGER NOT NULL) WITHOUT ROWID"},
    {"documents", "CREATE TABLE documents(cell BLOB NOT NULL, idx INTEGER NOT NULL, line INTEGER "
                  "NOT NULL, nats REAL NOT NULL,"
                  " tokens INTEGER NOT NULL, scored_tokens INTEGER NOT NULL, characters INTEGER "
                  "NOT NULL, bytes INTEGER NOT NULL,"
                  " PRIMARY KEY(cell, idx)) WITHOUT ROWID"},
    {"meta",
     "CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID"},
    {"models", "CREATE TABLE models(sha256 TEXT PRIMARY KEY NOT NULL, architecture TEXT NOT NULL, "
               "parameters INTEGER NOT NULL,"
               " bytes INTEGER NOT NULL, context INTEGER NOT NULL) WITHOUT ROWID"},
    {"names", "CREATE TABLE names(kind TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, "
              "PRIMARY KEY(kind, name)) WITHOUT ROWID"},
    {"scores", "CREATE TABLE scores(model TEXT NOT NULL, benchmark TEXT NOT NULL, score REAL NOT "
               "NULL, se REAL NOT NULL,"
               " source TEXT NOT NULL, PRIMARY KEY(model, benchmark)) WITHOUT ROWID"},
};

enum { N_OLD_TABLES = sizeof(old_tables) / sizeof(*old_tables) };

/* Each on its own: SQLite prepares one statement at a time. */
static const char *const set_aside[] = {
    "ALTER TABLE bpc RENAME TO old_bpc",         "ALTER TABLE cells RENAME TO old_cells",
    "ALTER TABLE corpora RENAME TO old_corpora", "ALTER TABLE documents RENAME TO old_documents",
    "ALTER TABLE scores RENAME TO old_scores",   NULL};

/* A standard error of 0 was one that is not known. */
static const char *const finish[] = {
    "INSERT INTO bpc SELECT model, corpus, bpc, nullif(se, 0), source FROM old_bpc",
    "INSERT INTO scores SELECT model, benchmark, score, nullif(se, 0), source FROM old_scores",
    "DROP TABLE old_bpc",
    "DROP TABLE old_cells",
    "DROP TABLE old_corpora",
    "DROP TABLE old_documents",
    "DROP TABLE old_scores",
    NULL};

static cril_status execute_all(cril_store *s, const char *const *sql, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (; *sql && st == CRIL_OK; sql++)
        st = cril_store_execute(s, *sql, err);
    return st;
}

/* ---- Corpora ---- */

static cril_status put_corpus(cril_store *s, struct cril_query *q, cril_error *err)
{
    static const char what[] = "a corpus";
    cril_store_corpus c = {0};
    char id[65];
    cril_status st;

    cril_query_get_sha256(q, 0, what, id);
    cril_query_get_sha256(q, 1, what, c.sha256);
    cril_query_get_text(q, 2, what, 1, c.field, sizeof(c.field));
    cril_query_get_text(q, 3, what, 0, c.format, sizeof(c.format));
    c.limit = cril_query_get_count(q, 4, what, CRIL_MAX_COUNT);
    c.documents = cril_query_get_count(q, 5, what, UINT32_MAX);
    c.characters = cril_query_get_count(q, 6, what, CRIL_MAX_COUNT);
    c.bytes = cril_query_get_count(q, 7, what, CRIL_MAX_COUNT);
    if (q->st != CRIL_OK)
        return q->st;
    if ((st = cril_store_corpus_id(&c, err)) != CRIL_OK)
        return st;
    if (strcmp(c.id, id) != 0)
        cril_query_bad(q, what);
    return q->st == CRIL_OK ? cril_put_corpus(s, &c, err) : q->st;
}

static cril_status put_corpora(cril_store *s, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s,
                     "SELECT id, sha256, field, format, lim, documents, characters, bytes FROM "
                     "old_corpora ORDER BY id",
                     err);
    while (cril_query_next(&q))
        q.st = put_corpus(s, &q, err);
    return cril_query_end(&q);
}

/* ---- Cells ---- */

struct old_cell {
    uint8_t key[32];
    char corpus[65];
    cril_cell now;
};

/* Whether its key is that of version 1. */
static cril_status check_key(struct cril_query *q, const struct old_cell *c, cril_error *err)
{
    const cril_cell *n = &c->now;
    char text[512], hex[65];
    struct cril_sha256 *h;
    uint8_t key[32];
    cril_status st = cril_sha256_create(&h, err);

    if (st != CRIL_OK)
        return st;
    snprintf(text, sizeof(text), "cell\n%s\n%s\n%s\n%" PRIu64 "\n%" PRIu64 "\n%d\n", n->model,
             c->corpus, n->protocol, n->context, n->stride, n->numerics);
    if ((st = cril_sha256_update(h, text, strlen(text), err)) == CRIL_OK)
        st = cril_sha256_final(h, hex, err);
    cril_sha256_free(h);
    if (st != CRIL_OK)
        return st;
    cril_hex_bytes(hex, key, sizeof(key));
    if (memcmp(key, c->key, sizeof(key)) != 0)
        cril_query_bad(q, "a cell");
    return q->st;
}

static cril_status get_cell(cril_store *s, struct cril_query *q, struct old_cell *c,
                            cril_error *err)
{
    static const char what[] = "a cell";
    const struct cril_protocol *p;
    cril_store_corpus corpus = {0};
    bool found = false;
    cril_status st;

    *c = (struct old_cell){.now.rules = OLD_RULES};
    memcpy(c->key, cril_query_get_key(q, 0), sizeof(c->key));
    cril_query_get_sha256(q, 1, what, c->now.model);
    cril_query_get_sha256(q, 2, what, c->corpus);
    cril_query_get_text(q, 3, what, 1, c->now.protocol, sizeof(c->now.protocol));
    c->now.context = cril_query_get_count(q, 4, what, CRIL_MAX_COUNT);
    c->now.stride = cril_query_get_count(q, 5, what, CRIL_MAX_COUNT);
    c->now.numerics = (int)cril_query_get_count(q, 6, what, INT32_MAX);
    if (q->st != CRIL_OK || (st = check_key(q, c, err)) != CRIL_OK)
        return q->st != CRIL_OK ? q->st : st;
    if ((st = cril_store_corpus_by_id(s, c->corpus, &corpus, &found, err)) != CRIL_OK)
        return st;
    if (!found)
        cril_query_bad(q, "a cell of no corpus");
    p = cril_protocol_find(c->now.protocol);
    memcpy(c->now.text, corpus.text, sizeof(c->now.text));
    c->now.documents = p && p->per_document ? 0 : corpus.documents;
    return q->st;
}

static cril_status put_documents(cril_store *s, const struct old_cell *c, cril_error *err)
{
    cril_document_score rows[ROWS_AT_ONCE];
    struct cril_query q;
    uint64_t n_documents;
    size_t n = 0;
    cril_status st = cril_put_cell(s, &c->now, &n_documents, err);

    if (st != CRIL_OK)
        return st;
    cril_query_start(
        &q, s,
        "SELECT idx, line, nats, tokens, scored_tokens, characters, bytes, 0, 0, 0 FROM "
        "old_documents WHERE cell = ? ORDER BY idx",
        err);
    cril_query_key(&q, c->key);
    while (cril_query_next(&q)) {
        cril_query_get_document(&q, &rows[n++]);
        if (n == ROWS_AT_ONCE && q.st == CRIL_OK) {
            q.st = cril_put_documents(s, &c->now, n_documents, rows, n, "", err);
            n = 0;
        }
    }
    if (q.st == CRIL_OK && n)
        q.st = cril_put_documents(s, &c->now, n_documents, rows, n, "", err);
    return cril_query_end(&q);
}

static cril_status put_cells(cril_store *s, cril_error *err)
{
    struct cril_query q;
    struct old_cell c;

    cril_query_start(&q, s,
                     "SELECT key, model, corpus, protocol, context, stride, numerics FROM "
                     "old_cells ORDER BY key",
                     err);
    while (cril_query_next(&q))
        if ((q.st = get_cell(s, &q, &c, err)) == CRIL_OK)
            q.st = put_documents(s, &c, err);
    return cril_query_end(&q);
}

static cril_status from_1(cril_store *s, cril_error *err)
{
    cril_status st;

    if ((st = execute_all(s, set_aside, err)) != CRIL_OK ||
        (st = cril_store_make_tables(s, err)) != CRIL_OK || (st = put_corpora(s, err)) != CRIL_OK ||
        (st = put_cells(s, err)) != CRIL_OK)
        return st;
    return execute_all(s, finish, err);
}

static cril_status set_version(cril_store *s, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s, "UPDATE meta SET value = ? WHERE key = 'schema'", err);
    cril_query_count(&q, CRIL_STORE_SCHEMA);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

cril_status cril_store_upgrade(cril_store *s, cril_error *err)
{
    uint64_t version;
    cril_error why;
    cril_status st = cril_store_read_version(s, &version, err);

    if (st != CRIL_OK)
        return st;
    st = version == 1 ? cril_store_check_tables(s, old_tables, N_OLD_TABLES, err)
                      : cril_store_check_version(s, (unsigned)version, err);
    if (st != CRIL_OK)
        return st;
    st = version == 1 ? from_1(s, &why) : cril_store_make_tables(s, &why);
    if (st == CRIL_OK)
        st = set_version(s, &why);
    return st == CRIL_OK ? CRIL_OK
                         : cril_fail(err, st, "bringing a database of version %d to version %d: %s",
                                     (int)version, (int)CRIL_STORE_SCHEMA, why.message);
}
