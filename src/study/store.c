/*
 * The file of a store: opening, making and checking it, transactions, and what SQLite's errors mean
 * to a user.
 *
 * One file, in SQLite's rollback mode (a write-ahead log needs shared memory, which network file
 * systems lack). Tables are WITHOUT ROWID: a row is filed under what it measures, and nothing
 * depends on the order in which rows came. Everything is done by prepared statements; transactions
 * that write take the lock at their start, so that no two wait for each other half way.
 *
 * The file may come from anyone. Its tables must be declared as they are here, to the letter: no
 * triggers, views or columns of other types; SQLite's own guards are on. SQLite 3.26 or later is
 * needed.
 */
#include "study/store.h"

#include "study/place.h"
#include "study/query.h"
#include "util/fail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATIENCE_MS = 60000, MAX_VALUE_BYTES = 1 << 20 };

/* In the order of their names. A column's REAL is a double to the last bit. */
static const struct cril_table tables[] = {
    {"baselines",
     "CREATE TABLE baselines(corpus TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,"
     " PRIMARY KEY(corpus, name)) WITHOUT ROWID"},
    {"benchmarks",
     "CREATE TABLE benchmarks(id TEXT PRIMARY KEY NOT NULL, task TEXT NOT NULL, protocol TEXT NOT "
     "NULL, protocol_sha256 TEXT NOT NULL,"
     " data TEXT NOT NULL, lim INTEGER NOT NULL) WITHOUT ROWID"},
    {"bpc", "CREATE TABLE bpc(model TEXT NOT NULL, corpus TEXT NOT NULL, bpc REAL NOT NULL, se "
            "REAL, source TEXT NOT NULL,"
            " PRIMARY KEY(model, corpus)) WITHOUT ROWID"},
    {"cells", "CREATE TABLE cells(key BLOB PRIMARY KEY NOT NULL, model TEXT NOT NULL, text TEXT "
              "NOT NULL, documents INTEGER NOT NULL, protocol TEXT NOT NULL,"
              " context INTEGER NOT NULL, stride INTEGER NOT NULL, numerics INTEGER NOT NULL,"
              " rules INTEGER NOT NULL) WITHOUT ROWID"},
    {"corpora", "CREATE TABLE corpora(id TEXT PRIMARY KEY NOT NULL, text TEXT NOT NULL, sha256 "
                "TEXT NOT NULL, field TEXT NOT NULL, format TEXT NOT NULL,"
                " lim INTEGER NOT NULL, documents INTEGER NOT NULL, characters INTEGER NOT NULL, "
                "bytes INTEGER NOT NULL) WITHOUT ROWID"},
    {"divergence_cells",
     "CREATE TABLE divergence_cells(key BLOB PRIMARY KEY NOT NULL, model TEXT NOT NULL, base TEXT "
     "NOT NULL, text TEXT NOT NULL, documents INTEGER NOT NULL, protocol TEXT NOT NULL,"
     " context INTEGER NOT NULL, stride INTEGER NOT NULL, numerics INTEGER NOT NULL,"
     " rules INTEGER NOT NULL) WITHOUT ROWID"},
    {"divergences",
     "CREATE TABLE divergences(cell BLOB NOT NULL, idx INTEGER NOT NULL, tokens INTEGER NOT NULL, "
     "same_top INTEGER NOT NULL, kl REAL NOT NULL, nats REAL NOT NULL, nats_base REAL NOT NULL,"
     " PRIMARY KEY(cell, idx)) WITHOUT ROWID"},
    {"documents", "CREATE TABLE documents(cell BLOB NOT NULL, idx INTEGER NOT NULL, line INTEGER "
                  "NOT NULL, nats REAL NOT NULL,"
                  " tokens INTEGER NOT NULL, scored_tokens INTEGER NOT NULL, characters INTEGER "
                  "NOT NULL, bytes INTEGER NOT NULL, unspelled INTEGER NOT NULL,"
                  " escapes INTEGER NOT NULL, token_ids INTEGER NOT NULL, PRIMARY KEY(cell, idx)) "
                  "WITHOUT ROWID"},
    {"item_cells",
     "CREATE TABLE item_cells(key BLOB PRIMARY KEY NOT NULL, model TEXT NOT NULL, task TEXT NOT "
     "NULL, protocol_sha256 TEXT NOT NULL,"
     " data TEXT NOT NULL, numerics INTEGER NOT NULL, rules INTEGER NOT NULL) WITHOUT ROWID"},
    {"items",
     "CREATE TABLE items(cell BLOB NOT NULL, subject TEXT NOT NULL, idx INTEGER NOT NULL, line "
     "TEXT NOT NULL, PRIMARY KEY(cell, subject, idx)) WITHOUT ROWID"},
    {"leaks",
     "CREATE TABLE leaks(model TEXT NOT NULL, texts TEXT NOT NULL, score TEXT NOT NULL, numerics "
     "INTEGER NOT NULL, rules INTEGER NOT NULL, n_set INTEGER NOT NULL, n_control INTEGER NOT NULL,"
     " auc REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,"
     " PRIMARY KEY(model, texts, score, numerics, rules)) WITHOUT ROWID"},
    {"meta",
     "CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID"},
    {"models", "CREATE TABLE models(sha256 TEXT PRIMARY KEY NOT NULL, architecture TEXT NOT NULL, "
               "parameters INTEGER NOT NULL,"
               " bytes INTEGER NOT NULL, context INTEGER NOT NULL) WITHOUT ROWID"},
    {"names", "CREATE TABLE names(kind TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, "
              "PRIMARY KEY(kind, name)) WITHOUT ROWID"},
    {"programs",
     "CREATE TABLE programs(cell BLOB NOT NULL, versions TEXT NOT NULL, PRIMARY KEY(cell, "
     "versions)) WITHOUT ROWID"},
    {"scores", "CREATE TABLE scores(model TEXT NOT NULL, benchmark TEXT NOT NULL, score REAL NOT "
               "NULL, se REAL,"
               " source TEXT NOT NULL, PRIMARY KEY(model, benchmark)) WITHOUT ROWID"},
    {"stamps", "CREATE TABLE stamps(sha256 TEXT NOT NULL, stamp INTEGER NOT NULL,"
               " PRIMARY KEY(sha256, stamp)) WITHOUT ROWID"},
    {"subjects",
     "CREATE TABLE subjects(benchmark TEXT NOT NULL, subject TEXT NOT NULL, items INTEGER NOT "
     "NULL, last INTEGER NOT NULL, PRIMARY KEY(benchmark, subject)) WITHOUT ROWID"},
    {"texts", "CREATE TABLE texts(text TEXT PRIMARY KEY NOT NULL, documents INTEGER NOT NULL) "
              "WITHOUT ROWID"},
    {"unicode", "CREATE TABLE unicode(cell BLOB NOT NULL, pcre2 TEXT NOT NULL, utf8proc TEXT NOT "
                "NULL, PRIMARY KEY(cell, pcre2, utf8proc)) WITHOUT ROWID"},
};

enum { N_TABLES = sizeof(tables) / sizeof(*tables) };

/* The version of the file from which on it has a table, of those after 2. */
static unsigned first_version(const char *name)
{
    static const struct {
        const char *name;
        unsigned version;
    } later[] = {{"benchmarks", 3}, {"item_cells", 3},       {"items", 3},       {"programs", 3},
                 {"subjects", 3},   {"divergence_cells", 4}, {"divergences", 4}, {"leaks", 5}};

    for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++)
        if (strcmp(name, later[i].name) == 0)
            return later[i].version;
    return 2;
}

/* ---- Errors ---- */

static cril_status no_space(const cril_store *s, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: no space is left for it (on its file system, or of its quota); earlier "
                     "results are kept, so make room and go on",
                     s->path);
}

cril_status cril_store_no_memory(const cril_store *s, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
}

cril_status cril_store_failed(const cril_store *s, cril_error *err)
{
    const int code = sqlite3_extended_errcode(s->db), system = sqlite3_system_errno(s->db);
    const char *said = sqlite3_errmsg(s->db);
    const int kind = code & 0xff;

    if ((kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN) && (system == ENOSPC || system == EDQUOT))
        return no_space(s, err);
    if (code == SQLITE_IOERR_NOMEM)
        return cril_store_no_memory(s, err);
    switch (kind) {
    case SQLITE_NOMEM: return cril_store_no_memory(s, err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: is locked: another process has used it for more than %g s; nothing "
                         "was written, so try again when that process is done",
                         s->path, (double)s->patience_ms / 1000);
    case SQLITE_FULL: return no_space(s, err);
    case SQLITE_READONLY:
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: is write-protected, or its folder is; permit writing both", s->path);
    case SQLITE_NOTADB:
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: is not a database; choose another file for the study's database",
                         s->path);
    case SQLITE_TOOBIG: /* than any value of ours */
    case SQLITE_CORRUPT:
        return cril_fail(
            err, CRIL_ERR_FORMAT,
            "%s: is damaged (%s); restore an earlier copy, or delete it and compute again", s->path,
            said);
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return cril_fail(
            err, CRIL_ERR_IO,
            "%s: cannot be opened: %s; check that its folder is there and may be written", s->path,
            system ? strerror(system) : said);
    case SQLITE_IOERR:
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: the system refused to read or write it: %s; earlier results are kept",
                         s->path, system ? strerror(system) : said);
    default: return cril_fail(err, CRIL_ERR_IO, "%s: %s (SQLite's error %d)", s->path, said, code);
    }
}

/* ---- Transactions ---- */

cril_status cril_store_execute(cril_store *s, const char *sql, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s, sql, err);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

cril_status cril_store_begin(cril_store *s, bool write, cril_error *err)
{
    return cril_store_execute(s, write ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

cril_status cril_store_end(cril_store *s, cril_status st, cril_error *err)
{
    if (st == CRIL_OK)
        st = cril_store_execute(s, "COMMIT", err);
    if (st != CRIL_OK &&
        !sqlite3_get_autocommit(s->db)) /* some errors have rolled it back already */
        cril_store_execute(s, "ROLLBACK", NULL);
    return st;
}

/* ---- Checking and making the file ---- */

static cril_status read_number(cril_store *s, const char *sql, uint64_t *out, cril_error *err)
{
    struct cril_query q;

    *out = 0;
    cril_query_start(&q, s, sql, err);
    if (cril_query_next(&q))
        *out = (uint64_t)(uint32_t)sqlite3_column_int(q.stmt, 0);
    return cril_query_end(&q);
}

static cril_status foreign(const cril_store *s, cril_error *err)
{
    return cril_fail(
        err, CRIL_ERR_FORMAT,
        "%s: is a database of another program; choose another file for the study's database",
        s->path);
}

cril_status cril_store_read_version(cril_store *s, uint64_t *version, cril_error *err)
{
    struct cril_query q;

    *version = 0;
    cril_query_start(&q, s, "SELECT value FROM meta WHERE key = 'schema'", err);
    if (q.st != CRIL_OK && sqlite3_errcode(s->db) == SQLITE_ERROR) /* no such table */
        q.st = foreign(s, err);
    if (cril_query_next(&q))
        *version = cril_query_get_count(&q, 0, "a version", INT32_MAX);
    if (q.st != CRIL_OK)
        return cril_query_end(&q);
    if (*version > CRIL_STORE_SCHEMA)
        q.st = cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: was written by a newer cril (database version %d, this one knows up "
                         "to %d); use that cril, or a newer one",
                         s->path, (int)*version, (int)CRIL_STORE_SCHEMA);
    else if (!*version)
        cril_query_bad(&q, "a version");
    return cril_query_end(&q);
}

cril_status cril_store_check_tables(cril_store *s, const struct cril_table *want, size_t n_want,
                                    cril_error *err)
{
    struct cril_query q;
    size_t n = 0;

    cril_query_start(&q, s,
                     "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE "
                     "'\\' ORDER BY name",
                     err);
    while (cril_query_next(&q)) {
        const char *name = (const char *)sqlite3_column_text(q.stmt, 0),
                   *sql = (const char *)sqlite3_column_text(q.stmt, 1);

        if (n == n_want || !name || !sql || strcmp(name, want[n].name) != 0 ||
            strcmp(sql, want[n].sql) != 0)
            cril_query_bad(&q, "tables");
        n++;
    }
    if (n != n_want)
        cril_query_bad(&q, "tables");
    return cril_query_end(&q);
}

cril_status cril_store_check_version(cril_store *s, unsigned version, cril_error *err)
{
    struct cril_table want[N_TABLES];
    size_t n = 0;

    for (size_t i = 0; i < N_TABLES; i++)
        if (first_version(tables[i].name) <= version)
            want[n++] = tables[i];
    return cril_store_check_tables(s, want, n, err);
}

enum contents { EMPTY, OLDER, CURRENT };

static cril_status check(cril_store *s, enum contents *out, cril_error *err)
{
    uint64_t application, n_objects, version;
    cril_status st;

    if ((st = read_number(s, "PRAGMA application_id", &application, err)) != CRIL_OK ||
        (st = read_number(s, "SELECT count(*) FROM sqlite_master", &n_objects, err)) != CRIL_OK)
        return st;
    *out = EMPTY;
    if (!application && !n_objects)
        return CRIL_OK;
    if (application != CRIL_STORE_APPLICATION)
        return foreign(s, err);
    if ((st = cril_store_read_version(s, &version, err)) != CRIL_OK)
        return st;
    *out = version < CRIL_STORE_SCHEMA ? OLDER : CURRENT;
    return *out == CURRENT ? cril_store_check_version(s, CRIL_STORE_SCHEMA, err) : CRIL_OK;
}

static cril_status has_table(cril_store *s, const char *name, bool *out, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s, "SELECT 1 FROM sqlite_master WHERE name = ?", err);
    cril_query_text(&q, name);
    *out = cril_query_next(&q);
    return cril_query_end(&q);
}

cril_status cril_store_make_tables(cril_store *s, cril_error *err)
{
    cril_status st = CRIL_OK;
    bool there;

    for (size_t i = 0; i < N_TABLES && st == CRIL_OK; i++)
        if ((st = has_table(s, tables[i].name, &there, err)) == CRIL_OK && !there)
            st = cril_store_execute(s, tables[i].sql, err);
    return st;
}

static cril_status make(cril_store *s, cril_error *err)
{
    struct cril_query q;
    cril_status st = cril_store_execute(s, "PRAGMA application_id = 0x6372696c", err);

    if (st != CRIL_OK || (st = cril_store_make_tables(s, err)) != CRIL_OK)
        return st;
    cril_query_start(&q, s, "INSERT INTO meta VALUES('schema', ?)", err);
    cril_query_count(&q, CRIL_STORE_SCHEMA);
    cril_query_run(&q, NULL);
    return cril_query_end(&q);
}

/* Two processes may find an empty or older file at once; the second one to get the lock finds a
 * store. */
static cril_status check_or_make(cril_store *s, bool read_only, cril_error *err)
{
    enum contents contents;
    cril_status st = cril_store_begin(s, false, err);

    if (st != CRIL_OK || (st = cril_store_end(s, check(s, &contents, err), err)) != CRIL_OK ||
        contents == CURRENT)
        return st;
    if (read_only && contents == EMPTY)
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: is empty; 'cril study run' or 'cril study import' fills it", s->path);
    if (contents == OLDER && sqlite3_db_readonly(s->db, "main") == 1)
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: was written by an older cril and must be converted; permit writing "
                         "it, or copy it to where that is permitted",
                         s->path);
    if ((st = cril_store_begin(s, true, err)) != CRIL_OK)
        return st;
    if ((st = check(s, &contents, err)) == CRIL_OK && contents != CURRENT)
        st = contents == EMPTY ? make(s, err) : cril_store_upgrade(s, err);
    return cril_store_end(s, st, err);
}

/* ---- Life ---- */

static cril_status check_path(const char *path, bool read_only, cril_error *err)
{
    struct stat sb;

    if (!path[0])
        return cril_fail(err, CRIL_ERR_RANGE,
                         "the name of a study's database is empty; give it one");
    if (stat(path, &sb) == 0)
        return S_ISREG(sb.st_mode)
                   ? CRIL_OK
                   : cril_fail(err, CRIL_ERR_IO,
                               "%s: is not a file; give the study's database another name", path);
    if (errno == ENOENT && read_only)
        return cril_fail(
            err, CRIL_ERR_IO,
            "%s: there is no such file yet; 'cril study run' or 'cril study import' creates it",
            path);
    return errno == ENOENT
               ? CRIL_OK
               : cril_fail(err, CRIL_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
}

/* read_only opens for writing too: otherwise SQLite could not roll back a transaction that was cut
 * off. */
static cril_status open_file(cril_store *s, bool read_only, cril_error *err)
{
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (read_only ? 0 : SQLITE_OPEN_CREATE);
    const int code = sqlite3_open_v2(s->real, &s->db, flags, NULL);

    if (!s->db)
        return cril_store_no_memory(s, err);
    if (code != SQLITE_OK)
        return cril_store_failed(s, err);
    if (!read_only && sqlite3_db_readonly(s->db, "main") == 1)
        return cril_fail(err, CRIL_ERR_IO, "%s: is write-protected; permit writing it", s->path);
    sqlite3_busy_timeout(s->db, (int)s->patience_ms);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
#ifdef SQLITE_DBCONFIG_ENABLE_VIEW
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
#endif
#ifdef SQLITE_DBCONFIG_TRUSTED_SCHEMA
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
#endif
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    /* A build of SQLite may have another default. FULL: what is committed survives a loss of power
     * wherever the disk honours fsync. */
    cril_status st = cril_store_execute(s, "PRAGMA synchronous = FULL", err);
    return st == CRIL_OK ? cril_store_execute(s, "PRAGMA cell_size_check = 1", err) : st;
}

cril_status cril_store_open(const char *path, const cril_store_options *options, cril_store **out,
                            cril_error *err)
{
    if (CRIL_LACKS(err, path, out))
        return CRIL_ERR_RANGE;

    static const cril_store_options defaults = {0};
    cril_store *s;
    cril_status st;

    if (!options)
        options = &defaults;
    if ((st = check_path(path, options->read_only, err)) != CRIL_OK)
        return st;
    if (!(s = calloc(1, sizeof(*s))) || !(s->path = strdup(path))) {
        cril_store_close(s);
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    }
    s->patience_ms = options->patience_ms ? options->patience_ms : PATIENCE_MS;
    if (s->patience_ms > INT32_MAX)
        s->patience_ms = INT32_MAX;
    if ((st = cril_place_find(path, &s->real, err)) != CRIL_OK ||
        (st = open_file(s, options->read_only, err)) != CRIL_OK ||
        (st = check_or_make(s, options->read_only, err)) != CRIL_OK ||
        (options->read_only &&
         (st = cril_store_execute(s, "PRAGMA query_only = 1", err)) != CRIL_OK)) {
        cril_store_close(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

void cril_store_close(cril_store *s)
{
    if (!s)
        return;
    sqlite3_close(s->db);
    free(s->path);
    free(s->real);
    free(s);
}
