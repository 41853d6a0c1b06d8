/* A store from inside: its handle, transactions, and rows that are put into an open transaction. */
#ifndef CRIL_STUDY_STORE_H
#define CRIL_STUDY_STORE_H

#include <cril/store.h>
#include <sqlite3.h>

enum { CRIL_STORE_SCHEMA = 5, CRIL_STORE_APPLICATION = 0x6372696c /* "cril" */ };

struct cril_store {
    sqlite3 *db;
    char *path; /* as given, for sentences */
    char *real; /* by which it is opened and locked (place.h) */
    unsigned patience_ms;
};

/* A sentence for the last error of s's handle, and its status. */
cril_status cril_store_failed(const cril_store *s, cril_error *err);
/* CRIL_ERR_NOMEM. */
cril_status cril_store_no_memory(const cril_store *s, cril_error *err);

/* One moment of the store, or the right to write. Not nested. */
cril_status cril_store_begin(cril_store *s, bool write, cril_error *err);
/* Commits if st is CRIL_OK, and rolls back otherwise. Returns st, or the error of the commit. */
cril_status cril_store_end(cril_store *s, cril_status st, cril_error *err);

/* What a cell is filed under: SHA-256 over its parts. CRIL_ERR_RANGE: one of them is none. */
cril_status cril_cell_key(const cril_cell *c, uint8_t key[32], cril_error *err);

/* SHA-256 of a text. */
cril_status cril_hash_text(const char *text, char hex[65], cril_error *err);

/* Whether a string is 64 lower-case hex digits. */
bool cril_is_sha256(const char *hex);

/* A statement without values or rows. */
cril_status cril_store_execute(cril_store *s, const char *sql, cril_error *err);

/* A table as it is declared, to the letter. */
struct cril_table {
    const char *name, *sql;
};

/* CRIL_ERR_FORMAT: the file has other tables than these [n], which stand in the order of names. */
cril_status cril_store_check_tables(cril_store *s, const struct cril_table *tables, size_t n,
                                    cril_error *err);
/* CRIL_ERR_FORMAT: the file has other tables than a file of that version, from 2 on. */
cril_status cril_store_check_version(cril_store *s, unsigned version, cril_error *err);
/* CRIL_ERR_FORMAT, CRIL_ERR_UNSUPPORTED: newer than this library. */
cril_status cril_store_read_version(cril_store *s, uint64_t *version, cril_error *err);
/* Declares the tables of this version that are not there. */
cril_status cril_store_make_tables(cril_store *s, cril_error *err);

/* Brings a file of an earlier version to this one, within a transaction that writes
 * (store_upgrade.c). */
cril_status cril_store_upgrade(cril_store *s, cril_error *err);

/* Takes over what a cell of joined documents shares with those of other numbers of documents. */
cril_status cril_store_adopt(cril_store *s, const cril_cell *cell, cril_error *err);

/* A file or folder of this hash had this stamp (stamp.h). */
cril_status cril_store_put_stamp(cril_store *s, const char *sha256, uint64_t stamp,
                                 cril_error *err);
/* The hash of what has this stamp; sha256 is "" where none is known. */
cril_status cril_store_find_stamp(cril_store *s, uint64_t stamp, char sha256[65], cril_error *err);

/* ---- Within a transaction that writes ---- */

cril_status cril_put_stamp(cril_store *s, const char *sha256, uint64_t stamp, cril_error *err);

enum cril_name { CRIL_NAME_MODEL, CRIL_NAME_CORPUS, CRIL_NAME_BENCHMARK, CRIL_NAME_LEAK };

/* A kind of names as the file and sentences have it: "model". */
const char *cril_name_kind(enum cril_name kind);

cril_status cril_put_model(cril_store *s, const cril_store_model *m, cril_error *err);
cril_status cril_put_corpus(cril_store *s, const cril_store_corpus *c, cril_error *err);
/* replace: a name that stood for something else is changed, otherwise that is CRIL_ERR_MISMATCH. */
cril_status cril_put_name(cril_store *s, enum cril_name kind, const char *name, const char *id,
                          bool replace, bool *changed, cril_error *err);
cril_status cril_put_baseline(cril_store *s, const char *corpus_id, const cril_baseline *b,
                              cril_error *err);
/* How many documents a text has, whatever a limit leaves of them. */
cril_status cril_put_text(cril_store *s, const char *text, uint64_t n_documents, cril_error *err);
/* *n_documents: how many a cell of these corpora can have. */
cril_status cril_put_cell(cril_store *s, const cril_cell *c, uint64_t *n_documents,
                          cril_error *err);
/* unicode: of who tokenised the rows, for the sentence that says that token ids differ. */
cril_status cril_put_documents(cril_store *s, const cril_cell *c, uint64_t n_documents,
                               const cril_document_score *rows, size_t n, const char *unicode,
                               cril_error *err);
cril_status cril_put_unicode(cril_store *s, const cril_cell *c, const cril_unicode *u,
                             cril_error *err);
cril_status cril_put_unicode_by_key(cril_store *s, const uint8_t key[32], const cril_unicode *u,
                                    cril_error *err);
cril_status cril_put_import(cril_store *s, cril_figure_kind kind, const cril_figure *row,
                            bool replace, bool *changed, cril_error *err);

/* Likewise of a cell with a base (store_divergences.c). */
cril_status cril_put_divergences(cril_store *s, const cril_cell *c, uint64_t n_documents,
                                 const cril_document_divergence *rows, size_t n, cril_error *err);

/* Likewise of leak scores (store_leaks.c). */
cril_status cril_put_leak(cril_store *s, const cril_store_leak *l, cril_error *err);
/* Whether a model's leak scores on texts are there, by this library's contract and rules; both as
 * SHA-256. */
cril_status cril_store_has_leak(cril_store *s, const char *texts, const char *model, bool *found,
                                cril_error *err);

/* ---- The same of benchmarks (store_benchmarks.c) and items (store_items.c) ---- */

enum { CRIL_MAX_SUBJECT = sizeof(((cril_store_subject *)0)->name) };

cril_status cril_put_benchmark(cril_store *s, const cril_store_benchmark *b,
                               const cril_store_subject *subjects, size_t n, cril_error *err);
cril_status cril_put_item_cell(cril_store *s, const cril_item_cell *c, cril_error *err);
/* programs: of what ran the items' programs, for the sentence that says that lines differ. */
cril_status cril_put_item(cril_store *s, const cril_item_cell *c, const cril_store_item *item,
                          const char *programs, cril_error *err);
/* What ran a cell's programs, of several the first and how many more; "no program" where none ran.
 */
enum { CRIL_PROGRAMS_SPOKEN = 256 };
void cril_store_programs_of(cril_store *s, const cril_item_cell *c, char out[CRIL_PROGRAMS_SPOKEN]);
cril_status cril_put_programs(cril_store *s, const cril_item_cell *c, const char *versions,
                              cril_error *err);
/* What a cell is filed under. CRIL_ERR_RANGE: one of its parts is none. */
cril_status cril_item_cell_key(const cril_item_cell *c, uint8_t key[32], cril_error *err);
cril_status cril_store_benchmark_by_id(cril_store *s, const char *id, cril_store_benchmark *out,
                                       bool *found, cril_error *err);

/* Claims items from .. to - 1 of a cell by their order in a list, as cril_store_claim has it. */
cril_status cril_claim_items(cril_store *s, const cril_item_cell *cell, uint64_t from, uint64_t to,
                             cril_claim **out, cril_error *err);

/* ---- Reading, row by row in the order of the keys; a callback's status other than CRIL_OK ends it
 * ---- */

struct cril_visit {
    void *user;
    cril_status (*model)(void *user, const cril_store_model *m, cril_error *err);
    cril_status (*corpus)(void *user, const cril_store_corpus *c, cril_error *err);
    cril_status (*text)(void *user, const char *text, uint64_t n_documents, cril_error *err);
    cril_status (*name)(void *user, enum cril_name kind, const char *name, const char *id,
                        cril_error *err);
    cril_status (*baseline)(void *user, const char *corpus_id, const cril_baseline *b,
                            cril_error *err);
    cril_status (*cell)(void *user, const cril_cell *c, cril_error *err);
    /* Of the cell before them: documents, then by what they were tokenised. */
    cril_status (*document)(void *user, const cril_document_score *d, cril_error *err);
    cril_status (*unicode)(void *user, const cril_unicode *u, cril_error *err);
    cril_status (*divergence_cell)(void *user, const cril_cell *c, cril_error *err);
    /* Of the cell before them. */
    cril_status (*divergence)(void *user, const cril_document_divergence *d, cril_error *err);
    cril_status (*divergence_unicode)(void *user, const cril_unicode *u, cril_error *err);
    /* With its subjects [n]. */
    cril_status (*benchmark)(void *user, const cril_store_benchmark *b,
                             const cril_store_subject *subjects, size_t n, cril_error *err);
    cril_status (*item_cell)(void *user, const cril_item_cell *c, cril_error *err);
    /* Of the cell before them: items, what ran programs, then by what they were tokenised. */
    cril_store_see_item item;
    cril_status (*programs)(void *user, const char *versions, cril_error *err);
    cril_status (*item_unicode)(void *user, const cril_unicode *u, cril_error *err);
    cril_status (*leak)(void *user, const cril_store_leak *l, cril_error *err);
    cril_status (*import)(void *user, cril_figure_kind kind, const cril_figure *row,
                          cril_error *err);
    cril_status (*stamp)(void *user, const char *sha256, uint64_t stamp, cril_error *err);
};

/* Any may be NULL. Every row is checked first. */
cril_status cril_store_visit(cril_store *s, const struct cril_visit *v, cril_error *err);

/* Parts of it: benchmarks, and their cells with what they hold. */
cril_status cril_visit_benchmarks(cril_store *s, const struct cril_visit *v, cril_error *err);
cril_status cril_visit_item_cells(cril_store *s, const struct cril_visit *v, cril_error *err);

cril_status cril_visit_leaks(cril_store *s, const struct cril_visit *v, cril_error *err);

/* Cells with a base, and what they hold (store_divergences.c). */
cril_status cril_visit_divergence_cells(cril_store *s, const struct cril_visit *v, cril_error *err);
/* A cell's documents below `below`, by index, none of which may be at n_documents or past. */
cril_status cril_visit_divergences(cril_store *s, const cril_cell *c, uint64_t below,
                                   uint64_t n_documents,
                                   cril_status (*see)(void *user, const cril_document_divergence *d,
                                                      cril_error *err),
                                   void *user, cril_error *err);

/* cril_store_each_item in no order, with subjects and places alone: lines are not read. */
cril_status cril_store_each_place(cril_store *s, const cril_item_cell *cell,
                                  const cril_store_benchmark *b, cril_store_see_item see,
                                  void *user, cril_error *err);

/* The versions of Unicode that rows of this key were tokenised by. */
cril_status cril_store_unicode_by_key(cril_store *s, const uint8_t key[32],
                                      cril_status (*see)(void *user, const cril_unicode *u,
                                                         cril_error *err),
                                      void *user, cril_error *err);

/* cril_store_cells and, behind them, those with a base. */
cril_status cril_store_all_cells(cril_store *s, cril_cell **out, size_t *n, cril_error *err);

/* How many documents a cell can have, by the corpora that are known; 0: none of them has its text.
 */
cril_status cril_store_documents_of(cril_store *s, const cril_cell *c, uint64_t *n_documents,
                                    cril_error *err);

/* How many of a cell's first n_documents are there; of a cell with a base too. */
cril_status cril_store_count(cril_store *s, const cril_cell *c, uint64_t n_documents, uint64_t *n,
                             cril_error *err);

/* A cell's first n_documents, those of them that are there in order: rows [*n], owned: free. */
cril_status cril_store_rows(cril_store *s, const cril_cell *c, uint64_t n_documents,
                            cril_document_score **rows, size_t *n, cril_error *err);

/* The same of a cell with a base. */
cril_status cril_store_divergences(cril_store *s, const cril_cell *c, uint64_t n_documents,
                                   cril_document_divergence **rows, size_t *n, cril_error *err);

/* *found is false where it is not there. */
cril_status cril_store_corpus_by_id(cril_store *s, const char *id, cril_store_corpus *out,
                                    bool *found, cril_error *err);
/* One that has so many documents of a text, whatever its limit. */
cril_status cril_store_corpus_of(cril_store *s, const char *text, uint64_t documents,
                                 cril_store_corpus *out, bool *found, cril_error *err);
cril_status cril_store_model_by_id(cril_store *s, const char *sha256, cril_store_model *out,
                                   bool *found, cril_error *err);
cril_status cril_store_find_import(cril_store *s, cril_figure_kind kind, const char *model,
                                   const char *of, cril_figure *out, bool *found, cril_error *err);

bool cril_figure_copy(const cril_figure *row,
                      cril_figure *out); /* with its strings; false: out of memory */
void cril_figure_free(cril_figure *row); /* its strings */
/* Whether both standard errors are known and equal, or neither is known. */
bool cril_figure_same_error(const cril_figure *a, const cril_figure *b);

/* What a name of this kind stands for. */
cril_status cril_store_find_name(cril_store *s, enum cril_name kind, const char *name, char id[65],
                                 bool *found, cril_error *err);

/* A name that stands for a model's hash or a corpus's text, or the first digits of it; for
 * sentences. */
void cril_store_name_of(cril_store *s, enum cril_name kind, const char *id, char *name,
                        size_t size);

/* "Unicode 14.0.0 in PCRE2 and 15.0.0 in utf8proc"; for sentences. */
enum { CRIL_UNICODE_SPOKEN = 160 };
void cril_unicode_speak(const cril_unicode *u, char out[CRIL_UNICODE_SPOKEN]);
cril_status cril_store_each_unicode(cril_store *s, const cril_cell *c,
                                    cril_status (*see)(void *user, const cril_unicode *u,
                                                       cril_error *err),
                                    void *user, cril_error *err);
/* The same of a cell's documents; of several versions the first and how many more there are. */
void cril_store_unicode_of(cril_store *s, const cril_cell *c, char out[CRIL_UNICODE_SPOKEN]);

#endif
