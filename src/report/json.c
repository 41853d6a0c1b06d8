/*
 * Results as JSON, by jansson (doc/scoring.md, "JSON"): {"results": [...], "average": {"bpc":
 * ..., "bpc_with_escapes": ...}}.
 *
 * Sums, bits and ratios follow from the documents; they are written for the reader's convenience.
 * Real numbers have as many digits as they need to survive the trip bit for bit. The documents of a
 * result are an object of arrays, one array a column. A text that is not UTF-8 (a path may be
 * anything) has its bad bytes written as U+FFFD. A file is limited in size, and nothing in it is
 * trusted: every number is finite, not below 0, every column has as many rows as the result has
 * documents, sums are those of the documents, and figures those of the sums (json_check.c).
 */
#include "report/json_check.h"

#include "stats/sum.h"
#include "util/fail.h"
#include "util/json.h"
#include "util/number.h"

#include <cril/hub.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { FILE_LIMIT = 1 << 30 };

/* One column of "per_document". */
struct column {
    const char *name;
    size_t offset; /* of a uint64_t in cril_document_score */
    bool may_lack; /* older files lack it; read as 0 */
};

static const struct column columns[] = {
    {"index", offsetof(cril_document_score, index), false},
    {"line", offsetof(cril_document_score, line), false},
    {"tokens", offsetof(cril_document_score, tokens), false},
    {"scored_tokens", offsetof(cril_document_score, scored_tokens), false},
    {"characters", offsetof(cril_document_score, characters), false},
    {"bytes", offsetof(cril_document_score, bytes), false},
    {"unspelled_characters", offsetof(cril_document_score, unspelled_characters), true},
    {"escape_bytes", offsetof(cril_document_score, escape_bytes), true},
};

/* One count of a result. */
static const struct column counts[] = {
    {"tokens", offsetof(cril_result, tokens), false},
    {"scored_tokens", offsetof(cril_result, scored_tokens), false},
    {"forward_tokens", offsetof(cril_result, forward_tokens), false},
    {"characters", offsetof(cril_result, characters), false},
    {"bytes", offsetof(cril_result, bytes), false},
    {"documents", offsetof(cril_result, documents), false},
    {"unspelled_characters", offsetof(cril_result, unspelled_characters), true},
    {"unspelled_documents", offsetof(cril_result, unspelled_documents), true},
    {"escape_bytes", offsetof(cril_result, escape_bytes), true},
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t *count_at(const void *base, size_t offset)
{
    return (uint64_t *)((char *)(uintptr_t)base + offset);
}

/* ---- writing: every function returns NULL when out of memory or when a number is not finite ----
 */

static json_t *text_json(const char *s)
{
    size_t len = s ? strlen(s) : 0;
    json_t *text = json_stringn(s ? s : "", len);
    char *clean;
    size_t n = 0;

    if (text)
        return text;
    if (len > SIZE_MAX / 3 - 1 || !(clean = malloc(3 * len + 1)))
        return NULL;
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step =
            utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(len - i), &c);
        memcpy(clean + n, step > 0 ? s + i : "\xEF\xBF\xBD", step > 0 ? (size_t)step : 3);
        n += step > 0 ? (size_t)step : 3;
        i += step > 0 ? (size_t)step : 1;
    }
    text = json_stringn(clean, n);
    free(clean);
    return text;
}

/* null: not known, which is NULL or "". */
static json_t *known_json(const char *s)
{
    return s && *s ? text_json(s) : json_null();
}

static json_t *count_json(uint64_t v)
{
    return v <= INT64_MAX ? json_integer((json_int_t)v) : NULL;
}

static json_t *documents_json(const cril_result *r)
{
    json_t *table = json_object(), *nats = json_array();
    int bad = !table || !nats;

    for (uint64_t i = 0; !bad && i < r->documents; i++)
        bad |= json_array_append_new(nats, json_real(r->per_document[i].nats));
    for (size_t k = 0; !bad && k < LENGTH(columns); k++) {
        json_t *column = json_array();

        for (uint64_t i = 0; !bad && i < r->documents; i++)
            bad |= json_array_append_new(
                column, count_json(*count_at(&r->per_document[i], columns[k].offset)));
        bad |= json_object_set_new(table, columns[k].name, column);
        if (k == 1) { /* index, line, nats, then the counts */
            bad |= json_object_set_new(table, "nats", nats);
            nats = NULL;
        }
    }
    json_decref(nats);
    if (!bad)
        return table;
    json_decref(table);
    return NULL;
}

static json_t *interval_json(const cril_interval *v)
{
    if (!v->resamples)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:o, s:o}", "level", v->level, "low", v->low, "high", v->high,
                     "resamples", count_json(v->resamples), "seed", count_json(v->seed));
}

/* A number, or null where there is none. */
static json_t *real_json(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* A whole number; past 2^53 a double has no others. */
static json_t *whole_json(double v)
{
    return v < 0x1p53 ? json_integer((json_int_t)v) : json_real(v);
}

static json_t *baselines_json(const cril_result *r)
{
    const double text = (double)r->text_characters, even = cril_result_break_even(r);
    json_t *list = json_array();
    int bad = !list;

    for (size_t i = 0; !bad && i < r->n_baselines; i++)
        bad |= json_array_append_new(list, json_pack("{s:o, s:o, s:f}", "name",
                                                     text_json(r->baselines[i].name), "bytes",
                                                     count_json(r->baselines[i].bytes), "bpc",
                                                     8 * (double)r->baselines[i].bytes / text));
    if (!bad)
        return json_pack(
            "{s:o, s:o, s:o, s:o, s:o, s:o}", "characters", count_json(r->text_characters), "bytes",
            count_json(r->text_bytes), "compressors", list, "archive_bytes",
            whole_json(cril_result_archive_bytes(r)), "break_even_characters", real_json(even),
            "break_even_bytes", real_json(even * (double)r->text_bytes / text));
    json_decref(list);
    return NULL;
}

static json_t *proof_json(const cril_proof *p)
{
    return json_pack("{s:o, s:o, s:o, s:f, s:f, s:o, s:f, s:o, s:f, s:f, s:f}", "documents",
                     count_json(p->documents), "respelled", count_json(p->respelled), "kept",
                     count_json(p->kept), "ideal_nats", p->ideal_nats, "ideal_bits",
                     cril_proof_ideal_bits(p), "coded_bits", count_json(8 * p->code_bytes),
                     "overhead", cril_proof_overhead(p), "archive_bytes",
                     count_json(p->archive_bytes), "bpc", cril_proof_bpc(p), "compress_seconds",
                     p->compress_seconds, "decode_seconds", p->decode_seconds);
}

static json_t *warnings_json(const cril_result *r)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < r->n_model_warnings; i++)
        if (json_array_append_new(list, text_json(r->model_warnings[i]))) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static json_t *unicode_json(const cril_unicode *u)
{
    return json_pack("{s:o, s:o}", "pcre2", known_json(u->pcre2), "utf8proc",
                     known_json(u->utf8proc));
}

static json_t *model_json(const cril_result *r)
{
    const char *slash = r->model_path ? strrchr(r->model_path, '/') : NULL;
    char source[2048];
    const bool on_hub = cril_hub_source(r->model_path, source, sizeof(source));

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", text_json(r->model_name),
        "path", known_json(r->model_path), "file", known_json(slash ? slash + 1 : r->model_path),
        "types", known_json(r->model_types), "architecture", text_json(r->model_architecture),
        "sha256", text_json(r->model_sha256), "parameters", count_json(r->model_parameters),
        "bytes", count_json(r->model_bytes), "source", known_json(on_hub ? source : NULL),
        "cannot_say", known_json(r->model_cannot_say), "warnings", warnings_json(r));
}

static json_t *corpus_json(const cril_result *r)
{
    json_t *o = json_pack("{s:o, s:o, s:o, s:o}", "path", text_json(r->corpus_path), "sha256",
                          text_json(r->corpus_sha256), "field", known_json(r->corpus_field),
                          "limit", r->corpus_limit ? count_json(r->corpus_limit) : json_null());

    if (!o || !r->corpus_prompt_field ||
        !json_object_set_new(o, "prompt_field", text_json(r->corpus_prompt_field)))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *until_json(const cril_stopping *u)
{
    json_t *order = json_array();
    int bad = !order;

    for (size_t i = 0; !bad && i < u->n_order; i++)
        bad |= json_array_append_new(order, count_json(u->order[i]));
    if (!bad)
        return json_pack("{s:f, s:o, s:o, s:o, s:b, s:o}", "share", u->share, "min_documents",
                         count_json(u->min_documents), "seed", count_json(u->seed), "of",
                         count_json(u->of), "reached", u->reached, "order", order);
    json_decref(order);
    return NULL;
}

/* proof: NULL for none. */
static json_t *result_json(const cril_result *r, const cril_proof *proof)
{
    const double perplexity = cril_result_perplexity(r);
    json_t *o = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:f}", "bpc", cril_result_bpc(r),
                          "bpc_with_escapes", cril_result_bpc_with_escapes(r), "bpb",
                          cril_result_bpb(r), "bits", cril_result_bits(r), "nats", r->nats,
                          "bits_per_token", cril_result_bits_per_token(r), "perplexity",
                          real_json(perplexity), "seconds", r->seconds);
    int bad = !o;

    for (size_t k = 0; !bad && k < LENGTH(counts); k++)
        bad |= json_object_set_new(o, counts[k].name, count_json(*count_at(r, counts[k].offset)));
    if (!bad) {
        bad |= json_object_set_new(o, "interval", interval_json(&r->interval));
        bad |= json_object_set_new(o, "protocol",
                                   json_pack("{s:o, s:o, s:o}", "name", text_json(r->protocol),
                                             "context", count_json(r->context), "stride",
                                             count_json(r->stride)));
        if (r->beyond_context)
            bad |= json_object_set_new(o, "beyond_context", json_true());
        bad |= json_object_set_new(o, "model", model_json(r));
        bad |= json_object_set_new(o, "corpus", corpus_json(r));
        bad |= json_object_set_new(o, "cril", text_json(r->version));
        bad |= json_object_set_new(o, "numerics", json_integer(r->numerics));
        bad |= json_object_set_new(o, "rules", json_integer(r->rules));
        bad |= json_object_set_new(o, "unicode", unicode_json(&r->unicode));
        bad |= json_object_set_new(o, "token_ids_sha256", known_json(r->token_ids_sha256));
    }
    if (!bad && r->baselines)
        bad |= json_object_set_new(o, "baselines", baselines_json(r));
    if (!bad && proof)
        bad |= json_object_set_new(o, "proof", proof_json(proof));
    if (!bad && r->until.share)
        bad |= json_object_set_new(o, "until", until_json(&r->until));
    if (!bad && r->per_document)
        bad |= json_object_set_new(o, "per_document", documents_json(r));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

cril_status cril_results_write(FILE *f, const cril_result *results, size_t n,
                               const cril_proof *proofs, cril_error *err)
{
    if (CRIL_LACKS(err, f) || (n && CRIL_LACKS(err, results)))
        return CRIL_ERR_RANGE;

    json_t *list = json_array(), *root = NULL;
    cril_json_filter filter = {.file = f};
    struct cril_sum with_escapes = {0};
    locale_t before;
    int bad = !list;

    if (!n) {
        json_decref(list);
        return cril_fail(err, CRIL_ERR_EMPTY, "there is no result to write; score a corpus first");
    }
    for (size_t i = 0; !bad && i < n; i++) {
        bad |= json_array_append_new(list, result_json(&results[i], proofs ? &proofs[i] : NULL));
        cril_sum_add(&with_escapes, cril_result_bpc_with_escapes(&results[i]));
    }
    if (!bad)
        root = json_pack("{s:O, s:{s:f, s:f}}", "results", list, "average", "bpc",
                         cril_results_average(results, n), "bpc_with_escapes",
                         cril_sum_value(&with_escapes) / (double)n);
    json_decref(list);
    if (!root)
        return cril_fail(
            err, CRIL_ERR_RANGE,
            "the results cannot be written as JSON: a figure is not finite, a count is "
            "2^63 or more, or memory ran out");
    errno = 0;
    before = cril_c_locale_begin();
    bad = json_dump_callback(root, cril_json_filter_put, &filter, JSON_INDENT(1)) ||
          putc('\n', f) == EOF || fflush(f);
    cril_c_locale_end(before);
    json_decref(root);
    return bad ? cril_fail(err, CRIL_ERR_IO, "the results could not be written: %s",
                           strerror(errno ? errno : EIO))
               : CRIL_OK;
}

/* ---- reading ---- */

struct source {
    const char *path;
    FILE *f;
    size_t n_read;
    bool too_long;
    int failure; /* errno of a failed read */
    size_t i;    /* result being read */
    cril_error *err;
};

static size_t read_some(void *buffer, size_t size, void *user)
{
    struct source *s = user;
    size_t n;

    errno = 0;
    n = fread(buffer, 1, size, s->f);
    if (ferror(s->f))
        s->failure = errno ? errno : EIO;
    s->n_read += n;
    s->too_long = s->n_read > FILE_LIMIT;
    return s->failure || s->too_long ? (size_t)-1 : n;
}

static cril_status wrong(const struct source *s, const char *where, const char *what)
{
    return cril_fail(s->err, CRIL_ERR_FORMAT,
                     "%s: results[%zu].%s %s; write the file again with 'cril score --json'",
                     s->path, s->i, where, what);
}

static cril_status get_real(const struct source *s, const json_t *o, const char *key, double *out)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_number(v) || !isfinite(json_number_value(v)))
        return wrong(s, key, "is missing or not a finite number");
    *out = json_number_value(v);
    return CRIL_OK;
}

static cril_status get_count(const struct source *s, const json_t *o, const char *key,
                             uint64_t *out)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return wrong(s, key, "is missing or not a count");
    *out = (uint64_t)json_integer_value(v);
    return CRIL_OK;
}

static cril_status get_size(const struct source *s, const json_t *o, const char *key, size_t *out)
{
    uint64_t v = 0;
    cril_status st = get_count(s, o, key, &v);

    if (st != CRIL_OK)
        return st;
    if (v > SIZE_MAX)
        return wrong(s, key, "is too large for this machine");
    *out = (size_t)v;
    return CRIL_OK;
}

/* A text into a fixed array of size bytes. */
static cril_status get_short(const struct source *s, const json_t *o, const char *key, char *out,
                             size_t size)
{
    const char *v = json_string_value(json_object_get(o, key));

    if (!v || strlen(v) >= size)
        return wrong(s, key, "is missing or not a text of the right length");
    memcpy(out, v, strlen(v) + 1);
    return CRIL_OK;
}

/* The same; "" where it is null or not there, as in older files. */
static cril_status get_known(const struct source *s, const json_t *o, const char *key, char *out,
                             size_t size)
{
    const json_t *v = json_object_get(o, key);

    out[0] = '\0';
    return !v || json_is_null(v) ? CRIL_OK : get_short(s, o, key, out, size);
}

/* What decided over the tokens. Older files lack it: they are by version 1 of the rules.
 */
static cril_status read_rules(const struct source *s, const json_t *o, cril_result *r)
{
    const json_t *unicode = json_object_get(o, "unicode");
    uint64_t rules = 1;
    cril_status st = CRIL_OK;

    if (json_object_get(o, "rules"))
        st = get_count(s, o, "rules", &rules);
    if (st == CRIL_OK && (!rules || rules > INT32_MAX))
        return wrong(s, "rules", "is not a version of the scoring rules");
    r->rules = (int)rules;
    if (st != CRIL_OK ||
        (st = get_known(s, unicode, "pcre2", r->unicode.pcre2, sizeof(r->unicode.pcre2))) !=
            CRIL_OK ||
        (st = get_known(s, unicode, "utf8proc", r->unicode.utf8proc,
                        sizeof(r->unicode.utf8proc))) != CRIL_OK)
        return st;
    return get_known(s, o, "token_ids_sha256", r->token_ids_sha256, sizeof(r->token_ids_sha256));
}

static cril_status get_text(const struct source *s, const json_t *o, const char *key, char **out)
{
    const char *v = json_string_value(json_object_get(o, key));

    if (!v)
        return wrong(s, key, "is missing or not a text");
    if (!(*out = malloc(strlen(v) + 1)))
        return cril_fail(s->err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    memcpy(*out, v, strlen(v) + 1);
    return CRIL_OK;
}

/* Fields that older files lack, or that are null, stay as they are. */
static bool is_there(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return v && !json_is_null(v);
}

static cril_status get_known_text(const struct source *s, const json_t *o, const char *key,
                                  char **out)
{
    return is_there(o, key) ? get_text(s, o, key, out) : CRIL_OK;
}

static cril_status get_known_count(const struct source *s, const json_t *o, const char *key,
                                   uint64_t *out)
{
    return is_there(o, key) ? get_count(s, o, key, out) : CRIL_OK;
}

static cril_status read_column(const struct source *s, const json_t *table, const char *name,
                               uint64_t n, const json_t **out)
{
    *out = json_object_get(table, name);
    if (json_is_array(*out) && json_array_size(*out) == n)
        return CRIL_OK;
    return cril_fail(s->err, CRIL_ERR_FORMAT,
                     "%s: results[%zu].per_document.%s has %zu row%s for %" PRIu64
                     " document%s; write the file again with 'cril score --json'",
                     s->path, s->i, name, json_array_size(*out),
                     json_array_size(*out) == 1 ? "" : "s", n, n == 1 ? "" : "s");
}

static cril_status read_documents(const struct source *s, const json_t *table, cril_result *r)
{
    const json_t *column;
    cril_status st = read_column(s, table, "nats", r->documents, &column);

    if (st !=
        CRIL_OK) /* from here on the file has that many numbers, so the size is bounded by it */
        return st;
    if (!(r->per_document =
              calloc(r->documents ? (size_t)r->documents : 1, sizeof(*r->per_document))))
        return cril_fail(s->err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    for (size_t i = 0; i < r->documents; i++) {
        const json_t *v = json_array_get(column, i);

        r->per_document[i].nats = json_number_value(v);
        if (!json_is_number(v) || !(json_number_value(v) >= 0))
            return wrong(s, "per_document.nats", "has a row that is not a number of 0 or more");
    }
    for (size_t k = 0; k < LENGTH(columns); k++) {
        if (columns[k].may_lack && !json_object_get(table, columns[k].name))
            continue;
        if ((st = read_column(s, table, columns[k].name, r->documents, &column)) != CRIL_OK)
            return st;
        for (size_t i = 0; i < r->documents; i++) {
            const json_t *v = json_array_get(column, i);

            if (!json_is_integer(v) || json_integer_value(v) < 0)
                return wrong(s, "per_document", "has a row that is not a count");
            *count_at(&r->per_document[i], columns[k].offset) = (uint64_t)json_integer_value(v);
        }
    }
    return CRIL_OK;
}

static cril_status read_interval(const struct source *s, const json_t *v, cril_interval *out)
{
    cril_status st;

    if (json_is_null(v)) /* a protocol without one */
        return CRIL_OK;
    if ((st = get_real(s, v, "level", &out->level)) != CRIL_OK ||
        (st = get_real(s, v, "low", &out->low)) != CRIL_OK ||
        (st = get_real(s, v, "high", &out->high)) != CRIL_OK ||
        (st = get_size(s, v, "resamples", &out->resamples)) != CRIL_OK)
        return st;
    if (!(out->level > 0 && out->level < 1) || out->low > out->high || !out->resamples)
        return wrong(s, "interval", "is not an interval");
    return get_count(s, v, "seed", &out->seed);
}

static cril_status read_baselines(const struct source *s, const json_t *o, cril_result *r)
{
    const json_t *list = json_object_get(o, "compressors");
    const size_t n = json_array_size(list);
    cril_status st;

    if ((st = get_count(s, o, "characters", &r->text_characters)) != CRIL_OK ||
        (st = get_count(s, o, "bytes", &r->text_bytes)) != CRIL_OK)
        return st;
    if (!r->text_characters || !r->text_bytes || !n)
        return wrong(s, "baselines", "have no text, or are not a list");
    if (!(r->baselines = calloc(n, sizeof(*r->baselines))))
        return cril_fail(s->err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    for (r->n_baselines = 0; r->n_baselines < n; r->n_baselines++) {
        const json_t *v = json_array_get(list, r->n_baselines);
        cril_baseline *b = &r->baselines[r->n_baselines];

        if ((st = get_short(s, v, "name", b->name, sizeof(b->name))) != CRIL_OK ||
            (st = get_count(s, v, "bytes", &b->bytes)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Documents are drawn once, and those of the result were; a continuation without a token of its own
 * is drawn and has no row. */
static bool order_is_right(const cril_result *r, const uint64_t *sorted)
{
    const size_t n = r->until.n_order;

    for (size_t i = 1; i < n; i++)
        if (sorted[i] == sorted[i - 1])
            return false;
    for (uint64_t i = 0; i < r->documents; i++)
        if (!bsearch(&r->per_document[i].index, sorted, n, sizeof(*sorted), by_value))
            return false;
    return n && sorted[n - 1] < r->until.of && (r->corpus_prompt_field || n == r->documents) &&
           (r->until.reached || n == r->until.of);
}

static cril_status check_order(const struct source *s, const cril_result *r)
{
    const size_t bytes = r->until.n_order * sizeof(*r->until.order);
    uint64_t *sorted = malloc(bytes ? bytes : 1);
    bool right;

    if (!sorted)
        return cril_fail(s->err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    memcpy(sorted, r->until.order, bytes);
    qsort(sorted, r->until.n_order, sizeof(*sorted), by_value);
    right = order_is_right(r, sorted);
    free(sorted);
    return right ? CRIL_OK : wrong(s, "until.order", "is not an order of the result's documents");
}

static cril_status read_until(const struct source *s, const json_t *o, cril_result *r)
{
    const json_t *order = json_object_get(o, "order"), *reached = json_object_get(o, "reached");
    cril_stopping *u = &r->until;
    cril_status st;

    if ((st = get_real(s, o, "share", &u->share)) != CRIL_OK ||
        (st = get_count(s, o, "min_documents", &u->min_documents)) != CRIL_OK ||
        (st = get_count(s, o, "seed", &u->seed)) != CRIL_OK ||
        (st = get_count(s, o, "of", &u->of)) != CRIL_OK)
        return st;
    if (!(u->share > 0 && u->share < 1) || !json_is_boolean(reached) || !json_is_array(order))
        return wrong(s, "until", "is not a stopping rule");
    u->reached = json_is_true(reached);
    if (!(u->order = calloc(json_array_size(order) + 1, sizeof(*u->order))))
        return cril_fail(s->err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    for (; u->n_order < json_array_size(order); u->n_order++) {
        const json_t *v = json_array_get(order, u->n_order);

        if (!json_is_integer(v) || json_integer_value(v) < 0)
            return wrong(s, "until.order", "has a row that is not a count");
        u->order[u->n_order] = (uint64_t)json_integer_value(v);
    }
    return check_order(s, r);
}

static cril_status read_warnings(const struct source *s, const json_t *list, cril_result *r)
{
    const size_t n = json_array_size(list);

    if (!json_is_array(list))
        return wrong(s, "warnings", "is no list");
    if (!(r->model_warnings = calloc(n ? n : 1, sizeof(*r->model_warnings))))
        return cril_fail(s->err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    for (; r->n_model_warnings < n; r->n_model_warnings++) {
        const char *text = json_string_value(json_array_get(list, r->n_model_warnings));

        if (!text)
            return wrong(s, "warnings", "holds a value that is not a text");
        if (!(r->model_warnings[r->n_model_warnings] = strdup(text)))
            return cril_fail(s->err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    }
    return CRIL_OK;
}

static cril_status read_result(const struct source *s, const json_t *o, cril_result *r)
{
    const json_t *protocol = json_object_get(o, "protocol"), *model = json_object_get(o, "model");
    const json_t *corpus = json_object_get(o, "corpus"),
                 *table = json_object_get(o, "per_document");
    const json_t *baselines = json_object_get(o, "baselines"), *until = json_object_get(o, "until");
    const json_t *warnings = json_object_get(model, "warnings"),
                 *beyond = json_object_get(o, "beyond_context");
    const char *zero;
    uint64_t numerics = 0;
    cril_status st;

    for (size_t k = 0; k < LENGTH(counts); k++)
        if ((!counts[k].may_lack || json_object_get(o, counts[k].name)) &&
            (st = get_count(s, o, counts[k].name, count_at(r, counts[k].offset))) != CRIL_OK)
            return st;
    if ((st = get_real(s, o, "nats", &r->nats)) != CRIL_OK ||
        (st = get_real(s, o, "seconds", &r->seconds)) != CRIL_OK ||
        (st = read_interval(s, json_object_get(o, "interval"), &r->interval)) != CRIL_OK ||
        (st = get_short(s, protocol, "name", r->protocol, sizeof(r->protocol))) != CRIL_OK ||
        (st = get_size(s, protocol, "context", &r->context)) != CRIL_OK ||
        (st = get_size(s, protocol, "stride", &r->stride)) != CRIL_OK ||
        (st = get_text(s, model, "name", &r->model_name)) != CRIL_OK ||
        (st = get_text(s, model, "architecture", &r->model_architecture)) != CRIL_OK ||
        (st = get_short(s, model, "sha256", r->model_sha256, sizeof(r->model_sha256))) != CRIL_OK ||
        (st = get_count(s, model, "parameters", &r->model_parameters)) != CRIL_OK ||
        (st = get_text(s, corpus, "path", &r->corpus_path)) != CRIL_OK ||
        (st = get_short(s, corpus, "sha256", r->corpus_sha256, sizeof(r->corpus_sha256))) !=
            CRIL_OK ||
        (st = get_short(s, o, "cril", r->version, sizeof(r->version))) != CRIL_OK ||
        (st = get_count(s, o, "numerics", &numerics)) != CRIL_OK ||
        (st = read_rules(s, o, r)) != CRIL_OK)
        return st;
    if (r->nats < 0 || r->seconds < 0)
        return wrong(s, r->nats < 0 ? "nats" : "seconds", "is below 0");
    if (numerics > INT32_MAX)
        return wrong(s, "numerics", "is not a version of the numeric contract");
    zero = !r->characters ? "characters" : !r->bytes ? "bytes" : !r->documents ? "documents" : NULL;
    if (zero || !r->scored_tokens)
        return wrong(s, zero ? zero : "scored_tokens", "is 0");
    r->numerics = (int)numerics;
    if (beyond && !json_is_boolean(beyond))
        return wrong(s, "beyond_context", "is not true or false");
    r->beyond_context = json_is_true(beyond);
    if ((st = get_known_count(s, model, "bytes", &r->model_bytes)) != CRIL_OK ||
        (st = get_known_text(s, model, "path", &r->model_path)) != CRIL_OK ||
        (st = get_known_text(s, model, "types", &r->model_types)) != CRIL_OK ||
        (st = get_known_text(s, model, "cannot_say", &r->model_cannot_say)) != CRIL_OK ||
        (st = get_known_text(s, corpus, "field", &r->corpus_field)) != CRIL_OK ||
        (st = get_known_text(s, corpus, "prompt_field", &r->corpus_prompt_field)) != CRIL_OK ||
        (st = get_known_count(s, corpus, "limit", &r->corpus_limit)) != CRIL_OK)
        return st;
    if (warnings && (st = read_warnings(s, warnings, r)) != CRIL_OK)
        return st;
    if (baselines && (st = read_baselines(s, baselines, r)) != CRIL_OK)
        return st;
    if (!table)
        return wrong(s, "per_document", "is missing, but the figures follow from it");
    st = read_documents(s, table, r);
    return st == CRIL_OK && until ? read_until(s, until, r) : st;
}

static cril_status check_result(const struct source *s, const json_t *o, const cril_result *r)
{
    char what[CRIL_CONTRADICTION];

    if (cril_result_consistent(o, r, what))
        return CRIL_OK;
    return cril_fail(s->err, CRIL_ERR_FORMAT,
                     "%s: results[%zu].%s; the file was changed; write it again with 'cril "
                     "score --json'",
                     s->path, s->i, what);
}

static cril_status check_average(const struct source *s, const json_t *root,
                                 const cril_result *results, size_t n)
{
    const double want = cril_results_average(results, n);
    const json_t *bpc = json_object_get(json_object_get(root, "average"), "bpc");

    if (!bpc || cril_json_agrees(bpc, want))
        return CRIL_OK;
    return cril_fail(s->err, CRIL_ERR_FORMAT,
                     "%s: average.bpc is not %.17g, the mean of the results; the file was changed; "
                     "write it again with 'cril score --json'",
                     s->path, want);
}

static cril_status read_root(struct source *s, const json_t *root, cril_result **results, size_t *n)
{
    const json_t *list = json_object_get(root, "results");
    size_t count = json_array_size(list);
    cril_result *all;
    cril_status st = CRIL_OK;

    if (!json_is_array(list) || !count)
        return cril_fail(s->err, CRIL_ERR_FORMAT,
                         "%s: holds no results; write it with 'cril score --json -o FILE'",
                         s->path);
    if (!(all = calloc(count, sizeof(*all))))
        return cril_fail(s->err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    for (s->i = 0; st == CRIL_OK && s->i < count; s->i++) {
        const json_t *o = json_array_get(list, s->i);

        if ((st = read_result(s, o, &all[s->i])) == CRIL_OK)
            st = check_result(s, o, &all[s->i]);
    }
    if (st == CRIL_OK)
        st = check_average(s, root, all, count);
    if (st != CRIL_OK) {
        cril_results_free(all, count);
        return st;
    }
    *results = all;
    *n = count;
    return CRIL_OK;
}

cril_status cril_results_read(const char *path, cril_result **results, size_t *n, cril_error *err)
{
    if (CRIL_LACKS(err, path, results, n))
        return CRIL_ERR_RANGE;

    struct source s = {.path = path, .f = fopen(path, "rb"), .err = err};
    json_error_t where;
    locale_t before;
    json_t *root;
    cril_status st;

    if (!s.f)
        return cril_fail(err, errno == ENOMEM ? CRIL_ERR_NOMEM : CRIL_ERR_IO,
                         "%s: cannot be opened: %s", path, strerror(errno));
    before = cril_c_locale_begin();
    root = json_load_callback(read_some, &s, JSON_REJECT_DUPLICATES, &where);
    cril_c_locale_end(before);
    fclose(s.f);
    if (s.failure)
        st = cril_fail(err, CRIL_ERR_IO, "%s: cannot be read: %s", path, strerror(s.failure));
    else if (s.too_long)
        st = cril_fail(err, CRIL_ERR_RANGE,
                       "%s: is larger than 1 GiB, too large for a file of results", path);
    else if (!root && cril_json_lacked_memory(&where))
        st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    else if (!root)
        st = cril_fail(err, CRIL_ERR_FORMAT,
                       "%s: line %d, column %d: is not JSON (%s); write it with 'cril score "
                       "--json -o FILE'",
                       path, where.line, where.column, where.text);
    else
        st = read_root(&s, root, results, n);
    json_decref(root);
    return st;
}

void cril_results_free(cril_result *results, size_t n)
{
    for (size_t i = 0; results && i < n; i++)
        cril_result_free(&results[i]);
    free(results);
}
