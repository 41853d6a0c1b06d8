/*
 * libFuzzer entry: a store that others have had their hands on. The input is a list of changes to a
 * good one: bytes of the file, or values of its rows, put there by SQLite so that they arrive
 * behind the file's structure. What is read must keep the promises of cril/store.h, and a store
 * that can be added to another says the same there.
 */
#include "study/query.h"
#include "study/store.h"
#include "tasks/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_DOCUMENTS = 20, N_ITEMS = 12, AT_MOST = 1 << 20 };

static char folder[64], path[96], into[96], *base;
static size_t base_bytes;
static cril_cell cell;
static cril_store_corpus corpus;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void clean_up(void)
{
    static const char *const names[] = {"a.db",     "a.db-journal", "a.db-wal",
                                        "a.db-shm", "b.db",         "b.db-journal"};
    char name[96];

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(name, sizeof(name), "%s/%s", folder, names[i]);
        unlink(name);
    }
    rmdir(folder);
}

static void read_base(void)
{
    FILE *f = fopen(path, "rb");

    base = malloc(AT_MOST);
    must(f && base);
    base_bytes = fread(base, 1, AT_MOST, f);
    fclose(f);
}

/* Items of a task without data: the names "model" and "corpus" lead to them. */
static void put_items(cril_store *s, const cril_store_model *m)
{
    const cril_store_subject subject = {"", N_ITEMS, N_ITEMS - 1};
    cril_store_benchmark b = {.task = "arc_challenge", .protocol = "harness"};
    struct cril_task_settings settings;
    cril_item_cell c;

    must(cril_task_settings_make(cril_task_find(b.task), b.protocol, NULL, &settings, NULL) ==
         CRIL_OK);
    memcpy(b.protocol_sha256, settings.sha256, sizeof(b.protocol_sha256));
    memset(b.data_sha256, 'd', 64);
    must(cril_store_benchmark_id(&b, NULL) == CRIL_OK);
    cril_item_cell_of(m, &b, &c);
    must(cril_store_put_benchmark(s, "corpus", &b, &subject, 1, NULL, NULL) == CRIL_OK);
    for (unsigned i = 0; i < N_ITEMS; i++) {
        char line[200];
        const int n = snprintf(line, sizeof(line),
                               "{\"task\": \"arc_challenge\", \"subject\": \"\", \"protocol\": "
                               "\"harness\", \"index\": %u, \"gold\": 1, \"acc_norm\": %u, "
                               "\"gold_nats\": 1.5, \"gold_bytes\": 7}",
                               i, i % 2);
        const cril_store_item item = {"", i, line, (size_t)n};

        must(cril_store_put_items(s, &c, &item, 1, "Python 3.11", NULL) == CRIL_OK);
    }
}

static void make_base(void)
{
    cril_store_model m = {.parameters = 7, .bytes = 8, .context = 2048, .architecture = "llama"};
    cril_store_corpus c = {.documents = N_DOCUMENTS,
                           .characters = 100,
                           .bytes = 100,
                           .field = "content",
                           .format = "jsonl"};
    const cril_study_protocol p = {.name = "document"};
    const cril_figure row = {"model", "corpus", 0.5, 0.01, "source", 0};
    const cril_baseline b = {"xz -9", 10};
    cril_store *s;

    strcpy(folder,
           access("/dev/shm", W_OK) == 0 ? "/dev/shm/cril-fuzz-XXXXXX" : "/tmp/cril-fuzz-XXXXXX");
    must(mkdtemp(folder) != NULL);
    atexit(clean_up);
    snprintf(path, sizeof(path), "%s/a.db", folder);
    snprintf(into, sizeof(into), "%s/b.db", folder);
    memset(m.sha256, 'a', 64);
    memset(c.sha256, 'b', 64);
    must(cril_store_corpus_id(&c, NULL) == CRIL_OK &&
         cril_cell_of(&m, &c, &p, &cell, NULL) == CRIL_OK);
    must(cril_store_open(path, NULL, &s, NULL) == CRIL_OK);
    must(cril_store_put_model(s, "model", &m, NULL, NULL) == CRIL_OK &&
         cril_store_put_corpus(s, "corpus", &c, NULL, NULL) == CRIL_OK);
    for (uint64_t i = 0; i < N_DOCUMENTS; i++) {
        const cril_document_score d = {.index = i,
                                       .line = i + 1,
                                       .nats = 3.25 * (double)i,
                                       .tokens = 9,
                                       .scored_tokens = 8,
                                       .characters = 5,
                                       .bytes = 5,
                                       .unspelled_characters = i % 2,
                                       .escape_bytes = i % 2 * 3,
                                       .token_ids = ~i};

        must(cril_store_put(s, &cell, &d, 1, NULL) == CRIL_OK);
    }
    corpus = c;
    put_items(s, &m);
    must(cril_store_import(s, CRIL_FIGURE_BPC, &row, 1, NULL, NULL) == CRIL_OK);
    must(cril_store_import(s, CRIL_FIGURE_SCORE, &row, 1, NULL, NULL) == CRIL_OK);
    must(cril_store_put_baselines(s, c.id, &b, 1, NULL) == CRIL_OK);
    cril_store_close(s);
    read_base();
}

/* Three bytes a change: where, and what it is XORed with. */
static void change_bytes(const uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    char *bytes = malloc(base_bytes);

    must(f && bytes);
    memcpy(bytes, base, base_bytes);
    for (; size >= 3; data += 3, size -= 3) {
        char *at = &bytes[(size_t)(data[0] << 8 | data[1]) % base_bytes];

        *at = (char)(*at ^ data[2]);
    }
    must(fwrite(bytes, 1, base_bytes, f) == base_bytes && fclose(f) == 0);
    free(bytes);
}

/* A column, a type, a length, a value. */
static void change_values(const uint8_t *data, size_t size)
{
    static const char *const columns[][2] = {
        {"baselines", "corpus"},
        {"baselines", "name"},
        {"baselines", "bytes"},
        {"benchmarks", "id"},
        {"benchmarks", "task"},
        {"benchmarks", "protocol"},
        {"benchmarks", "protocol_sha256"},
        {"benchmarks", "data"},
        {"benchmarks", "lim"},
        {"subjects", "benchmark"},
        {"subjects", "subject"},
        {"subjects", "items"},
        {"subjects", "last"},
        {"item_cells", "key"},
        {"item_cells", "model"},
        {"item_cells", "task"},
        {"item_cells", "protocol_sha256"},
        {"item_cells", "data"},
        {"item_cells", "numerics"},
        {"items", "cell"},
        {"items", "subject"},
        {"items", "idx"},
        {"items", "line"},
        {"programs", "cell"},
        {"programs", "versions"},
        {"bpc", "model"},
        {"bpc", "corpus"},
        {"bpc", "bpc"},
        {"bpc", "se"},
        {"bpc", "source"},
        {"cells", "key"},
        {"cells", "model"},
        {"cells", "text"},
        {"cells", "protocol"},
        {"cells", "context"},
        {"cells", "stride"},
        {"cells", "numerics"},
        {"corpora", "id"},
        {"corpora", "sha256"},
        {"corpora", "field"},
        {"corpora", "format"},
        {"corpora", "lim"},
        {"corpora", "documents"},
        {"corpora", "characters"},
        {"corpora", "bytes"},
        {"documents", "cell"},
        {"documents", "idx"},
        {"documents", "line"},
        {"documents", "nats"},
        {"documents", "tokens"},
        {"documents", "scored_tokens"},
        {"documents", "characters"},
        {"documents", "bytes"},
        {"documents", "unspelled"},
        {"documents", "escapes"},
        {"models", "sha256"},
        {"models", "architecture"},
        {"models", "parameters"},
        {"models", "bytes"},
        {"models", "context"},
        {"names", "kind"},
        {"names", "name"},
        {"names", "id"},
        {"scores", "model"},
        {"scores", "benchmark"},
        {"scores", "score"},
        {"scores", "se"},
        {"scores", "source"},
        {"meta", "value"},
    };
    enum { N_COLUMNS = sizeof(columns) / sizeof(*columns) };
    sqlite3 *db;

    must(sqlite3_open(path, &db) == SQLITE_OK);
    sqlite3_exec(db, "PRAGMA synchronous = 0; BEGIN", NULL, NULL, NULL);
    while (size >= 3) {
        const char *const *column = columns[data[0] % N_COLUMNS];
        const int type = data[1] % 4;
        const size_t n = data[2] < size - 3 ? data[2] : size - 3;
        sqlite3_stmt *q = NULL;
        char sql[200];
        uint64_t number = 0;
        double real;

        memcpy(&number, data + 3, n < 8 ? n : 8);
        memcpy(&real, &number, 8);
        snprintf(sql, sizeof(sql), "UPDATE OR REPLACE %s SET %s = ?1%s", column[0], column[1],
                 strcmp(column[0], "documents") == 0 || strcmp(column[0], "items") == 0
                     ? " WHERE idx % 7 = ?2"
                     : "");
        must(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK);
        if (type == 0)
            sqlite3_bind_int64(q, 1, (sqlite3_int64)number);
        else if (type == 1)
            sqlite3_bind_double(q, 1, real);
        else if (type == 2)
            sqlite3_bind_text(q, 1, (const char *)data + 3, (int)n, SQLITE_STATIC);
        else
            sqlite3_bind_blob(q, 1, data + 3, (int)n, SQLITE_STATIC);
        sqlite3_bind_int(q, 2, data[1] / 4 % 7);
        sqlite3_step(q); /* NULL is refused by the table itself */
        sqlite3_finalize(q);
        data += 3 + n;
        size -= 3 + n;
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
}

static char *dump(cril_store *s, cril_status *st)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    cril_error err = {0};

    must(f != NULL);
    *st = cril_store_dump(s, f, &err);
    must((*st == CRIL_OK) == !err.message[0]);
    fclose(f);
    return text;
}

static void check_result(cril_store *s)
{
    static const cril_interval interval = {.resamples = 3};
    cril_result r;

    if (cril_store_result(s, &cell, &corpus, &interval, &r, NULL) != CRIL_OK)
        return;
    for (uint64_t i = 0; i < r.documents; i++) {
        const cril_document_score *d = &r.per_document[i];

        must(d->index == i && isfinite(d->nats) && d->nats >= 0 && d->scored_tokens <= d->tokens &&
             d->characters <= d->bytes);
    }
    must(isfinite(r.nats) && r.bytes <= CRIL_MAX_COUNT && r.tokens <= CRIL_MAX_COUNT);
    cril_result_free(&r);
}

static void check_table(cril_store *s)
{
    static const cril_study_model model = {.name = "model"};
    static const cril_study_corpus corpus = {.name = "corpus"};
    static const cril_study_protocol protocol = {.name = "document"};
    static const cril_study_benchmark benchmark = {.name = "corpus"};
    static const cril_study_info study = {.models = &model,
                                          .corpora = &corpus,
                                          .benchmarks = &benchmark,
                                          .n_models = 1,
                                          .n_corpora = 1,
                                          .n_benchmarks = 1};
    cril_study_table t;

    if (cril_store_table(s, &study, &protocol, &t, NULL) != CRIL_OK)
        return;
    must(t.bpc[0].origin == CRIL_ORIGIN_NONE ||
         (isfinite(t.bpc[0].value) && t.bpc[0].value >= 0 && !(t.bpc[0].se < 0)));
    must(t.score[0].origin == CRIL_ORIGIN_NONE ||
         (t.score[0].value >= 0 && t.score[0].value <= 1 && !(t.score[0].se < 0)));
    must(cril_is_name(t.bpc[0].source, 0, CRIL_MAX_NAME) &&
         cril_is_name(t.score[0].source, 0, CRIL_MAX_NAME));
    cril_study_table_free(&t);
}

static void check_merge(const char *text)
{
    const char *const paths[] = {path};
    cril_store *to;
    cril_status st;
    char *merged;

    unlink(into);
    must(cril_store_open(into, NULL, &to, NULL) == CRIL_OK);
    sqlite3_exec(to->db, "PRAGMA synchronous = 0", NULL, NULL, NULL);
    if (cril_store_merge(to, paths, 1, NULL, NULL) == CRIL_OK) {
        merged = dump(to, &st);
        must(st == CRIL_OK && strcmp(merged, text) == 0);
        free(merged);
    }
    cril_store_close(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const cril_store_options o = {.read_only = true, .patience_ms = 1};
    cril_error err = {0};
    cril_store *s;
    cril_slice *missing;
    cril_status st;
    size_t n;
    char *text;

    if (!base)
        make_base();
    if (!size)
        return 0;
    change_bytes(data + 1, data[0] % 2 ? 0 : size - 1);
    if (data[0] % 2)
        change_values(data + 1, size - 1);
    if (cril_store_open(path, &o, &s, &err) != CRIL_OK) {
        must(err.message[0] != '\0');
        return 0;
    }
    text = dump(s, &st);
    check_result(s);
    check_table(s);
    if (cril_store_missing(s, &cell, N_DOCUMENTS, &missing, &n, NULL) == CRIL_OK) {
        for (size_t i = 0; i < n; i++)
            must(missing[i].from < missing[i].to && (!i || missing[i - 1].to < missing[i].from));
        free(missing);
    }
    if (st == CRIL_OK)
        check_merge(text);
    cril_store_close(s);
    free(text);
    return 0;
}
