#include "study/query.h"

#include "util/fail.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

bool cril_is_name(const char *text, size_t min, size_t size)
{
    const size_t len = strlen(text);
    uint32_t code;

    if (len < min || len >= size)
        return false;
    for (size_t i = 0; i < len;) {
        i += cril_utf8_read(text + i, len - i, &code);
        if (code == CRIL_UTF8_ILL || code < 32 || (code >= 127 && code < 160))
            return false;
    }
    return true;
}

bool cril_is_sha256(const char *hex)
{
    return strlen(hex) == 64 && strspn(hex, "0123456789abcdef") == 64;
}

static void fail_by_code(struct cril_query *q)
{
    q->st = cril_store_failed(q->store, q->err);
}

void cril_query_start(struct cril_query *q, cril_store *s, const char *sql, cril_error *err)
{
    *q = (struct cril_query){.store = s, .err = err};
    if (sqlite3_prepare_v2(s->db, sql, -1, &q->stmt, NULL) != SQLITE_OK)
        fail_by_code(q);
}

void cril_query_again(struct cril_query *q)
{
    if (q->st == CRIL_OK && sqlite3_reset(q->stmt) != SQLITE_OK)
        fail_by_code(q);
    q->at = 0;
}

void cril_query_text(struct cril_query *q, const char *text)
{
    if (q->st == CRIL_OK &&
        sqlite3_bind_text(q->stmt, ++q->at, text, -1, SQLITE_STATIC) != SQLITE_OK)
        fail_by_code(q);
}

void cril_query_long_text(struct cril_query *q, const char *text, size_t len)
{
    if (q->st == CRIL_OK &&
        sqlite3_bind_text64(q->stmt, ++q->at, text, len, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
        fail_by_code(q);
}

void cril_query_count(struct cril_query *q, uint64_t value)
{
    if (q->st == CRIL_OK && sqlite3_bind_int64(q->stmt, ++q->at, (sqlite3_int64)value) != SQLITE_OK)
        fail_by_code(q);
}

void cril_query_real(struct cril_query *q, double value)
{
    if (q->st == CRIL_OK && sqlite3_bind_double(q->stmt, ++q->at, value) != SQLITE_OK)
        fail_by_code(q);
}

void cril_query_error(struct cril_query *q, double se)
{
    if (!isnan(se))
        cril_query_real(q, se + 0.0); /* never -0 */
    else if (q->st == CRIL_OK && sqlite3_bind_null(q->stmt, ++q->at) != SQLITE_OK)
        fail_by_code(q);
}

void cril_query_bits(struct cril_query *q, uint64_t value)
{
    sqlite3_int64 bits;

    memcpy(&bits, &value, sizeof(bits));
    if (q->st == CRIL_OK && sqlite3_bind_int64(q->stmt, ++q->at, bits) != SQLITE_OK)
        fail_by_code(q);
}

void cril_query_key(struct cril_query *q, const uint8_t key[32])
{
    if (q->st == CRIL_OK &&
        sqlite3_bind_blob(q->stmt, ++q->at, key, 32, SQLITE_TRANSIENT) != SQLITE_OK)
        fail_by_code(q);
}

bool cril_query_next(struct cril_query *q)
{
    int code;

    if (q->st != CRIL_OK)
        return false;
    code = sqlite3_step(q->stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        fail_by_code(q);
    return code == SQLITE_ROW;
}

void cril_query_run(struct cril_query *q, bool *changed)
{
    while (cril_query_next(q))
        ;
    if (q->st == CRIL_OK && changed)
        *changed = sqlite3_changes(q->store->db) > 0;
}

cril_status cril_query_end(struct cril_query *q)
{
    sqlite3_finalize(q->stmt); /* repeats what step has said */
    q->stmt = NULL;
    return q->st;
}

void cril_query_bad(struct cril_query *q, const char *what)
{
    if (q->st != CRIL_OK)
        return;
    q->st = cril_fail(q->err, CRIL_ERR_FORMAT,
                      "%s: holds %s that cril cannot have written; it was damaged or changed by "
                      "another program, so restore an earlier copy",
                      q->store->path, what);
}

uint64_t cril_query_get_count(struct cril_query *q, int column, const char *what, uint64_t max)
{
    sqlite3_int64 value;

    if (q->st != CRIL_OK)
        return 0;
    value = sqlite3_column_int64(q->stmt, column);
    if (sqlite3_column_type(q->stmt, column) == SQLITE_INTEGER && value >= 0 &&
        (uint64_t)value <= max)
        return (uint64_t)value;
    cril_query_bad(q, what);
    return 0;
}

double cril_query_get_real(struct cril_query *q, int column, const char *what, double max)
{
    double value;

    if (q->st != CRIL_OK)
        return 0;
    value = sqlite3_column_double(q->stmt, column);
    if (sqlite3_column_type(q->stmt, column) == SQLITE_FLOAT && value >= 0 && !signbit(value) &&
        value <= max)
        return value;
    cril_query_bad(q, what);
    return 0;
}

double cril_query_get_error(struct cril_query *q, int column, const char *what)
{
    if (q->st == CRIL_OK && sqlite3_column_type(q->stmt, column) == SQLITE_NULL)
        return NAN;
    return cril_query_get_real(q, column, what, CRIL_MAX_BPC);
}

uint64_t cril_query_get_bits(struct cril_query *q, int column, const char *what)
{
    sqlite3_int64 bits;
    uint64_t value;

    if (q->st != CRIL_OK)
        return 0;
    bits = sqlite3_column_int64(q->stmt, column);
    memcpy(&value, &bits, sizeof(value));
    if (sqlite3_column_type(q->stmt, column) == SQLITE_INTEGER)
        return value;
    cril_query_bad(q, what);
    return 0;
}

void cril_query_get_text(struct cril_query *q, int column, const char *what, size_t min, char *out,
                         size_t size)
{
    const char *text;

    memset(out, 0, size);
    if (q->st != CRIL_OK)
        return;
    if (sqlite3_column_type(q->stmt, column) != SQLITE_TEXT) {
        cril_query_bad(q, what);
        return;
    }
    if (!(text = (const char *)sqlite3_column_text(q->stmt, column))) {
        fail_by_code(q);
        return;
    }
    if (strlen(text) != (size_t)sqlite3_column_bytes(q->stmt, column) ||
        !cril_is_name(text, min, size))
        cril_query_bad(q, what);
    else
        memcpy(out, text, strlen(text) + 1);
}

const char *cril_query_get_long_text(struct cril_query *q, int column, const char *what,
                                     size_t *len)
{
    const char *text;

    *len = 0;
    if (q->st != CRIL_OK)
        return "";
    if (sqlite3_column_type(q->stmt, column) != SQLITE_TEXT) {
        cril_query_bad(q, what);
        return "";
    }
    if (!(text = (const char *)sqlite3_column_text(q->stmt, column))) {
        fail_by_code(q);
        return "";
    }
    *len = (size_t)sqlite3_column_bytes(q->stmt, column);
    return text;
}

void cril_query_get_sha256(struct cril_query *q, int column, const char *what, char out[65])
{
    cril_query_get_text(q, column, what, 64, out, 65);
    if (q->st == CRIL_OK && !cril_is_sha256(out))
        cril_query_bad(q, what);
}

const uint8_t *cril_query_get_key(struct cril_query *q, int column)
{
    static const uint8_t none[32];

    if (q->st != CRIL_OK)
        return none;
    if (sqlite3_column_type(q->stmt, column) == SQLITE_BLOB &&
        sqlite3_column_bytes(q->stmt, column) == 32)
        return sqlite3_column_blob(q->stmt, column);
    cril_query_bad(q, "the key of a cell");
    return none;
}

bool cril_is_document(const cril_document_score *d)
{
    return d->line <= CRIL_MAX_COUNT && d->tokens <= CRIL_MAX_COUNT &&
           d->scored_tokens <= d->tokens && d->bytes <= CRIL_MAX_COUNT &&
           d->characters <= d->bytes && d->unspelled_characters <= d->escape_bytes &&
           d->escape_bytes <= CRIL_MAX_COUNT;
}

void cril_query_get_document(struct cril_query *q, cril_document_score *out)
{
    static const char what[] = "a document's figures";

    out->index = cril_query_get_count(q, 0, what, UINT32_MAX);
    out->line = cril_query_get_count(q, 1, what, CRIL_MAX_COUNT);
    out->nats = cril_query_get_real(q, 2, what, CRIL_MAX_NATS);
    out->tokens = cril_query_get_count(q, 3, what, CRIL_MAX_COUNT);
    out->scored_tokens = cril_query_get_count(q, 4, what, CRIL_MAX_COUNT);
    out->characters = cril_query_get_count(q, 5, what, CRIL_MAX_COUNT);
    out->bytes = cril_query_get_count(q, 6, what, CRIL_MAX_COUNT);
    out->unspelled_characters = cril_query_get_count(q, 7, what, CRIL_MAX_COUNT);
    out->escape_bytes = cril_query_get_count(q, 8, what, CRIL_MAX_COUNT);
    out->token_ids = cril_query_get_bits(q, 9, what);
    if (!cril_is_document(out))
        cril_query_bad(q, what);
}

void cril_query_get_cell(struct cril_query *q, bool has_base, cril_cell *out)
{
    static const char what[] = "a cell";
    uint8_t key[32];
    int at = 1;

    *out = (cril_cell){0};
    cril_query_get_sha256(q, at++, what, out->model);
    if (has_base)
        cril_query_get_sha256(q, at++, what, out->base);
    cril_query_get_sha256(q, at++, what, out->text);
    out->documents = cril_query_get_count(q, at++, what, UINT32_MAX);
    cril_query_get_text(q, at++, what, 1, out->protocol, sizeof(out->protocol));
    out->context = cril_query_get_count(q, at++, what, CRIL_MAX_COUNT);
    out->stride = cril_query_get_count(q, at++, what, CRIL_MAX_COUNT);
    out->numerics = (int)cril_query_get_count(q, at++, what, INT32_MAX);
    out->rules = (int)cril_query_get_count(q, at, what, INT32_MAX);
    if (q->st == CRIL_OK && (cril_cell_key(out, key, NULL) != CRIL_OK ||
                             memcmp(key, cril_query_get_key(q, 0), sizeof(key)) != 0))
        cril_query_bad(q, what);
}
