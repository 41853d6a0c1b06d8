/*
 * What is known of models, corpora and benchmarks: one SQLite file, keyed by what was measured
 * (doc/database.md).
 *
 * A *cell* is one model's file on one corpus's documents, or on the items of a benchmark's task, by
 * one protocol and one version of the numeric contract. A finished document or item of a cell is a
 * row, and a row never changes: the same figures come out wherever and whenever it is scored, so
 * stores can be put together in any order, and a row that differs from the known one is an error
 * and not an update. What is imported stands beside it, by name.
 *
 * The file depends on what is known alone: it holds no times, hosts or paths, and two stores that
 * know the same have the same dump (cril_store_dump).
 *
 * Every call that writes is one transaction: it is kept whole, through a crash too, or not at all.
 * A store belongs to one thread and must not be used on both sides of a fork; any number of stores,
 * in any number of processes, may have one file open. What is read is checked, since a file may
 * come from anyone: a value that no run could have written is CRIL_ERR_FORMAT.
 *
 * Errors that any call may return: CRIL_ERR_IO (the system refused, no space, another process was
 * writing for longer than the store's patience), CRIL_ERR_FORMAT (the file is damaged),
 * CRIL_ERR_NOMEM.
 */
#ifndef CRIL_STORE_H
#define CRIL_STORE_H

#include <cril/baseline.h>
#include <cril/score.h>
#include <cril/status.h>
#include <cril/study.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_store cril_store;

typedef struct cril_store_options {
    bool read_only; /* the file must be there; nothing is written, but a transaction that was cut
                       off is taken back */
    unsigned patience_ms; /* how long a call waits while others write; 0: 60,000 */
} cril_store_options;

/*
 * Opens the store at path, or makes one where there is no file, or an empty one. options may be
 * NULL. *out is owned: cril_store_close. CRIL_ERR_IO: also no file for read_only. CRIL_ERR_FORMAT:
 * no database, or one of another program. CRIL_ERR_UNSUPPORTED: written by a newer cril, or a file
 * with hard links in several folders. CRIL_ERR_EMPTY: read_only and an empty file. One of an older
 * cril is brought to this one's form, whole or not at all.
 */
cril_status cril_store_open(const char *path, const cril_store_options *options, cril_store **out,
                            cril_error *err);
void cril_store_close(cril_store *s); /* NULL is allowed */

/* ---- Models and corpora ---- */

/* Facts of a model's file. */
typedef struct cril_store_model {
    char sha256[65]; /* cril_model_sha256 */
    char architecture[64];
    uint64_t parameters, bytes, context;
} cril_store_model;

/* Facts of a corpus: a file's bytes and how documents are made of them. */
typedef struct cril_store_corpus {
    char id[65];     /* set by cril_store_corpus_id: SHA-256 over sha256, field, format and limit */
    char text[65];   /* likewise: over the first three, so corpora that differ in their limit alone
                        share it, as they share documents */
    char sha256[65]; /* cril_corpus_sha256 */
    char field[256];
    char format[16]; /* "jsonl", "csv", "text"; "" where each file's name decides */
    uint64_t limit;  /* 0: none */
    uint64_t documents, characters, bytes; /* of all documents' texts */
} cril_store_corpus;

/* Sets c->id and c->text. CRIL_ERR_RANGE: one of what they are made of is none. */
cril_status cril_store_corpus_id(cril_store_corpus *c, cril_error *err);

/*
 * Says what the study's name stands for. Known facts must be equal ones: CRIL_ERR_MISMATCH. A name
 * that stood for another file stands for this one from now on; what is known of the other stays.
 * changed (may be NULL): whether that was so.
 */
cril_status cril_store_put_model(cril_store *s, const char *name, const cril_store_model *m,
                                 bool *changed, cril_error *err);
cril_status cril_store_put_corpus(cril_store *s, const char *name, const cril_store_corpus *c,
                                  bool *changed, cril_error *err);

/* How many documents a text has in all, where a corpus's limit leaves some out. */
cril_status cril_store_put_text(cril_store *s, const char *text, uint64_t n_documents,
                                cril_error *err);
/* *n_documents is 0 where that is not known. */
cril_status cril_store_find_text(cril_store *s, const char *text, uint64_t *n_documents,
                                 cril_error *err);

/* What a name stands for; *found is false, and *out untouched, where nothing is known of it. */
cril_status cril_store_find_model(cril_store *s, const char *name, cril_store_model *out,
                                  bool *found, cril_error *err);
cril_status cril_store_find_corpus(cril_store *s, const char *name, cril_store_corpus *out,
                                   bool *found, cril_error *err);

/* Sizes that ordinary compressors make of a corpus's text (baseline.h). Read, they are in the order
 * of their names; *out is owned: free. */
cril_status cril_store_put_baselines(cril_store *s, const char *corpus_id, const cril_baseline *b,
                                     size_t n, cril_error *err);
cril_status cril_store_baselines(cril_store *s, const char *corpus_id, cril_baseline **out,
                                 size_t *n, cril_error *err);

/* ---- Cells ---- */

/*
 * Where a protocol takes each document alone, corpora that differ in their limit alone have one
 * cell: a larger limit adds documents to it. Where documents share a stream (hkust, halves), its
 * end decides what the last windows score, so a cell belongs to one number of documents.
 */
typedef struct cril_cell {
    char model[65];     /* SHA-256 of its file */
    char base[65];      /* of the model from which divergence is measured; "": bits are */
    char text[65];      /* cril_store_corpus.text */
    uint64_t documents; /* that share the stream; 0: each is a stream of its own */
    char protocol[16];
    uint64_t context, stride; /* as cril_result has them, never 0 */
    int numerics, rules;      /* CRIL_NUMERICS, CRIL_RULES of the library that computed it */
} cril_cell;

/* Documents from .. to - 1. */
typedef struct cril_slice {
    uint64_t from, to;
} cril_slice;

/* The cell of bits that this library computes for the three. CRIL_ERR_RANGE: no such protocol. */
cril_status cril_cell_of(const cril_store_model *m, const cril_store_corpus *c,
                         const cril_study_protocol *p, cril_cell *out, cril_error *err);

/* The cell of divergence from another model; its windows are the base's. */
cril_status cril_divergence_cell_of(const cril_store_model *m, const cril_store_model *base,
                                    const cril_store_corpus *c, const cril_study_protocol *p,
                                    cril_cell *out, cril_error *err);

/*
 * Adds finished documents [n] of a cell whose model and corpus are known. One that is known is left
 * out if it is equal to the bit; otherwise CRIL_ERR_MISMATCH says which differs: figures of one
 * cell cannot, so a machine computes wrongly, or a file was changed by hand, or (where the token
 * ids differ) libraries of another Unicode version cut the text. CRIL_ERR_RANGE: figures that no
 * run has, a document that the corpus has not, a cell of an unknown model or corpus.
 */
cril_status cril_store_put(cril_store *s, const cril_cell *cell,
                           const cril_document_score *documents, size_t n, cril_error *err);

/* Of the first n_documents of a cell, with a base or not, those that are not there yet, in order;
 * *n is 0 where all are. *out is owned: free. */
cril_status cril_store_missing(cril_store *s, const cril_cell *cell, uint64_t n_documents,
                               cril_slice **out, size_t *n, cril_error *err);

/*
 * A cell as the result of one run over the corpus, one of those that have the cell's text, with the
 * same bits; level, resamples and seed are read from *interval (NULL, 0: as cril_result_sum).
 * Seconds and forward tokens are 0, names are the study's, version is this library's.
 * CRIL_ERR_EMPTY: not all of the corpus's documents are there.
 */
cril_status cril_store_result(cril_store *s, const cril_cell *cell, const cril_store_corpus *corpus,
                              const cril_interval *interval, cril_result *out, cril_error *err);

/* All cells of bits of which a document is there, in a fixed order. *out is owned: free. */
cril_status cril_store_cells(cril_store *s, cril_cell **out, size_t *n, cril_error *err);

/* ---- Divergence ---- */

/* How far a model is from a base on a document (doc/diverge.md): sums over the tokens that are
 * compared. */
typedef struct cril_document_divergence {
    uint64_t index, tokens;
    uint64_t same_top;          /* of these, how many have the same most likely id */
    double kl, nats, nats_base; /* nats of the model, of the base */
} cril_document_divergence;

/* As cril_store_put, of a cell with a base. */
cril_status cril_store_put_divergences(cril_store *s, const cril_cell *cell,
                                       const cril_document_divergence *documents, size_t n,
                                       cril_error *err);

/*
 * The figures of a cell with a base, with the bits that cril_diverge_figures has for the corpus;
 * *interval as in cril_store_result. CRIL_ERR_EMPTY: not all of the corpus's documents are there.
 */
cril_status cril_store_divergence(cril_store *s, const cril_cell *cell,
                                  const cril_store_corpus *corpus, const cril_interval *interval,
                                  cril_known_divergence *out, cril_error *err);

/* ---- Benchmarks ---- */

/* Which items of a subject a benchmark asks for: those up to one place of the data file. */
typedef struct cril_store_subject {
    char name[128];       /* "": the task has no subjects */
    uint64_t items, last; /* how many, and the place of the last */
} cril_store_subject;

/* Facts of a benchmark: a task by a protocol on data, and how many items of it. */
typedef struct cril_store_benchmark {
    char id[65]; /* set by cril_store_benchmark_id: SHA-256 over all that follows but the protocol's
                    name and the items */
    char task[64];
    char protocol[96]; /* its name */
    char protocol_sha256[65], data_sha256[65];
    uint64_t limit; /* items, of each subject where there are subjects; 0: none */
    uint64_t items; /* of all subjects; set by what reads */
} cril_store_benchmark;

/* Sets b->id. CRIL_ERR_RANGE: one of what it is made of is none. */
cril_status cril_store_benchmark_id(cril_store_benchmark *b, cril_error *err);

/* As cril_store_put_corpus. subjects [n], n >= 1, each name once. */
cril_status cril_store_put_benchmark(cril_store *s, const char *name, const cril_store_benchmark *b,
                                     const cril_store_subject *subjects, size_t n, bool *changed,
                                     cril_error *err);
cril_status cril_store_find_benchmark(cril_store *s, const char *name, cril_store_benchmark *out,
                                      bool *found, cril_error *err);

/* One model's file on a task's data by one protocol. Benchmarks that differ in their limit alone
 * share it. */
typedef struct cril_item_cell {
    char model[65]; /* SHA-256 of its file */
    char task[64];
    char protocol_sha256[65], data_sha256[65];
    int numerics, rules; /* CRIL_NUMERICS, CRIL_RULES of the library that computed it */
} cril_item_cell;

/* The cell that this library computes for the two. */
void cril_item_cell_of(const cril_store_model *m, const cril_store_benchmark *b,
                       cril_item_cell *out);

/* What is known of an item. */
typedef struct cril_store_item {
    const char *subject; /* "": none */
    uint64_t index;      /* place in the data file */
    const char *line;    /* [len] the line of an items file (doc/eval.md) without prompts */
    size_t len;
} cril_store_item;

/*
 * Adds items [n] of a cell whose model and benchmark are known. One that is known is left out if
 * its line is equal byte for byte; otherwise CRIL_ERR_MISMATCH says which differs. programs: what
 * ran programs, such as "Python 3.11.2 numpy 1.26.4"; NULL: none ran. CRIL_ERR_RANGE: a line that
 * is none of the item, an item for which no benchmark asks, a cell of an unknown model or
 * benchmark.
 */
cril_status cril_store_put_items(cril_store *s, const cril_item_cell *cell,
                                 const cril_store_item *items, size_t n, const char *programs,
                                 cril_error *err);

/* How many of a benchmark's items are there. */
cril_status cril_store_count_items(cril_store *s, const cril_item_cell *cell,
                                   const cril_store_benchmark *b, uint64_t *n, cril_error *err);

/* Those of a benchmark's items that are there, by subject, then place; borrowed during the call. A
 * status other than CRIL_OK ends it. */
typedef cril_status (*cril_store_see_item)(void *user, const cril_store_item *item,
                                           cril_error *err);
cril_status cril_store_each_item(cril_store *s, const cril_item_cell *cell,
                                 const cril_store_benchmark *b, cril_store_see_item see, void *user,
                                 cril_error *err);

/* A model's score in a benchmark. */
typedef struct cril_score_of_items {
    uint64_t items;        /* that it is of */
    uint64_t errors;       /* that could not be run; they count as wrong */
    double value, se;      /* share of 1; NaN: not known */
    double bpb, bpb_total; /* bits per byte of gold answers; NaN: there are none */
} cril_score_of_items;

/* The score of those of a benchmark's items that are there. CRIL_ERR_EMPTY: none is.
 * CRIL_ERR_UNSUPPORTED: this library does not know the task or has another protocol of that name.
 */
cril_status cril_store_score(cril_store *s, const cril_item_cell *cell,
                             const cril_store_benchmark *b, cril_score_of_items *out,
                             cril_error *err);

/* All cells of which an item is there, in a fixed order. *out is owned: free. */
cril_status cril_store_item_cells(cril_store *s, cril_item_cell **out, size_t *n, cril_error *err);

/* ---- Leak scores ---- */

/* How well a score tells texts of a benchmark from a control (doc/leak.md, "In a study"). */
typedef struct cril_store_leak {
    char model[65]; /* SHA-256 of its file */
    char texts[65]; /* SHA-256 over the texts of both */
    char score[24]; /* "min_k_20", "min_k_plus_plus_20", "loss"; "blind": the classifier's */
    int numerics, rules;
    uint64_t n_set, n_control; /* texts that have the score, 2 at least */
    double auc, low, high;     /* 0 to 1; interval at 95 % */
} cril_store_leak;

/*
 * Adds rows [n] of the texts of that SHA-256, for which the name stands from now on, such as "GSM8K
 * test". Known rows must be equal ones: CRIL_ERR_MISMATCH. CRIL_ERR_RANGE: a row that is none, or
 * is of other texts.
 */
cril_status cril_store_put_leaks(cril_store *s, const char *name, const char *texts,
                                 const cril_store_leak *rows, size_t n, cril_error *err);

/* A model's row for what a name stands for, by this library's contract and rules; *found is false
 * where it is not known. */
cril_status cril_store_find_leak(cril_store *s, const char *name, const char *model_sha256,
                                 const char *score, cril_store_leak *out, bool *found,
                                 cril_error *err);

/* ---- Figures from elsewhere ---- */

/* Adds rows [n], each in the place of an earlier one of its model and corpus or benchmark. changed
   (may be NULL): how many of them were not known as they are. CRIL_ERR_RANGE: a value that is none,
   an empty name or source; names the row, from 1. */
cril_status cril_store_import(cril_store *s, cril_figure_kind kind, const cril_figure *rows,
                              size_t n, size_t *changed, cril_error *err);
/* All of them, by model, then corpus or benchmark. *rows [*n] is owned: cril_imports_free. */
cril_status cril_store_imported(cril_store *s, cril_figure_kind kind, cril_figure **rows, size_t *n,
                                cril_error *err);
void cril_imports_free(cril_figure *rows, size_t n);

/* ---- What belongs to a study as it is now ---- */

typedef struct cril_current cril_current;

/*
 * Looks at the study file's models and corpora. A file is the one that was read if the file system
 * says of it what it said then; else its SHA-256 decides, for which it is read, if its size does
 * not. What has no path is known by its name. s and study must outlive *out, which is owned:
 * cril_current_free.
 */
cril_status cril_current_look(cril_store *s, const cril_study_info *study, cril_current **out,
                              cril_error *err);
void cril_current_free(cril_current *c); /* NULL is allowed */

/* Facts of the file as it is now, index in the study. False: it has not been read. */
bool cril_current_model(const cril_current *c, size_t model, cril_store_model *out);
bool cril_current_corpus(const cril_current *c, size_t corpus, cril_store_corpus *out);

/* A cell of the study. */
typedef struct cril_cell_state {
    bool known;               /* model and corpus as they are now have been read: the next three */
    cril_cell cell;           /* of them */
    cril_store_corpus corpus; /* whose documents it is to have */
    uint64_t done;            /* documents of it that are there */
    bool complete;
    bool out_of_date; /* it is not complete, but it was: before the study file or a file changed, or
                         by another version of cril's rules */
    char why[200];    /* and what has changed */
    cril_cell old_cell;
    cril_store_corpus old_corpus;
} cril_cell_state;

/* model and corpus: indices in the study. */
cril_status cril_current_cell(cril_current *c, size_t model, size_t corpus,
                              const cril_study_protocol *p, cril_cell_state *out, cril_error *err);

/* The same of the divergence from the model's base; all is 0 for a model without one. */
cril_status cril_current_divergence(cril_current *c, size_t model, size_t corpus,
                                    const cril_study_protocol *p, cril_cell_state *out,
                                    cril_error *err);

/* A benchmark's cell of the study. */
typedef struct cril_score_state {
    bool known; /* model, task and data as they are now have been read: the next three */
    cril_item_cell cell;
    cril_store_benchmark benchmark; /* whose items it is to have */
    uint64_t done;                  /* items of it that are there */
    bool complete;
    bool out_of_date; /* as cril_cell_state has it */
    char why[200];
    cril_item_cell old_cell;
    cril_store_benchmark old_benchmark;
} cril_score_state;

/* model and benchmark: indices in the study. */
cril_status cril_current_score(cril_current *c, size_t model, size_t benchmark,
                               cril_score_state *out, cril_error *err);
bool cril_current_benchmark(const cril_current *c, size_t benchmark, cril_store_benchmark *out);

/*
 * A name by which figures may have been imported for a model before it was renamed: one that stood
 * for its file, and that the study does not name. NULL past the last. Borrowed from c.
 */
const char *cril_current_former_name(const cril_current *c, size_t model, size_t i);

/* ---- All of it ---- */

/*
 * The numbers of a study by one protocol: of a model on a corpus what was measured if all documents
 * are there, else what was imported, also by a former name. One moment of the store, also while
 * others write. Fills *out: cril_study_table_free. The latter looks at the study's files itself.
 */
cril_status cril_current_table(cril_current *c, const cril_study_protocol *protocol,
                               cril_study_table *out, cril_error *err);
cril_status cril_store_table(cril_store *s, const cril_study_info *study,
                             const cril_study_protocol *protocol, cril_study_table *out,
                             cril_error *err);

typedef struct cril_store_merge_options {
    bool measured_only; /* models, corpora, baselines, documents, benchmarks and items: no names,
                           nothing imported */
    bool rename;        /* a name that stands for another file in s stands for theirs from now on */
} cril_store_merge_options;

/*
 * Adds all that the stores at paths [n] know, in one transaction. The order is of no account, and
 * neither is what is in several of them. options may be NULL. CRIL_ERR_MISMATCH: two of them, or s
 * and one of them, know different things of one document, name or imported figure; says which, and
 * s is as it was.
 */
cril_status cril_store_merge(cril_store *s, const char *const *paths, size_t n,
                             const cril_store_merge_options *options, cril_error *err);

/*
 * All that is known as text, in the order of the keys, doubles to the last bit: equal stores have
 * equal dumps. Writers wait until it is done, so give a file and not a pipe that someone reads
 * slowly. CRIL_ERR_IO.
 */
cril_status cril_store_dump(cril_store *s, FILE *f, cril_error *err);

/* ---- Who computes what ---- */

typedef struct cril_claim cril_claim;

/*
 * Takes documents from .. to - 1 of a cell for the caller to compute. *out is NULL where another
 * claim, in whatever process, has some of them; otherwise it is owned: cril_claim_release. The
 * kernel lets go of it when its process ends, however that ends; a child that the process forked
 * holds it too, until it ends or executes another program. A claim keeps nobody from writing;
 * without one work is only done twice.
 *
 * It is a lock on a byte range of a file beside the store's real path (doc/database.md), which is
 * made and stays, and must not be deleted while stores are open. CRIL_ERR_RANGE: from >= to, or
 * more than 2^32 documents. CRIL_ERR_IO: also a file system without locks.
 */
cril_status cril_store_claim(cril_store *s, const cril_cell *cell, uint64_t from, uint64_t to,
                             cril_claim **out, cril_error *err);
void cril_claim_release(cril_claim *c); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
