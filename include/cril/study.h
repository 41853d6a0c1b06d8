/*
 * Studies: models x corpora, models x benchmarks, and the line through them.
 *
 * A study is one YAML file (doc/study.md) that names what is compared, and one SQLite file that
 * holds what is known. A *cell* is one model on one corpus by one protocol, or on one benchmark;
 * its figures are measured by this library or imported with their source.
 *
 * A study is immutable once loaded and may be shared by threads. A store belongs to one thread; any
 * number of stores, in any number of processes, may have one file open.
 */
#ifndef CRIL_STUDY_H
#define CRIL_STUDY_H

#include <cril/corpus.h>
#include <cril/fit.h>
#include <cril/score.h>
#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The study file ---- */

typedef struct cril_study cril_study;

typedef struct cril_study_model {
    const char *name; /* unique in the study */
    const char
        *family; /* models of one family are not independent; the name itself where none is given */
    const char *path; /* relative ones are taken from the study file's folder; NULL: figures are
                         imported only */
    const char *const *tags; /* [n_tags] words to choose models by */
    size_t n_tags;
    const char *base; /* name of the model from which divergence is measured; NULL: none */
    bool has_step;    /* it is a checkpoint of a training, as of: */
    uint64_t step;
    size_t line; /* in the study file, from 1 */
} cril_study_model;

typedef struct cril_study_corpus {
    const char *name;  /* unique among corpora, benchmarks and groups */
    const char *group; /* such as "knowledge"; the name itself where none is given */
    const char *path;  /* NULL: figures are imported only */
    cril_corpus_options options;
    size_t line;
} cril_study_corpus;

typedef struct cril_study_benchmark {
    const char *name;
    const char *group;
    const char *task;            /* of cril's, and of lm-evaluation-harness; NULL: none is named */
    const char *metric, *filter; /* which score of the latter's results files it is (harness.h);
                                    NULL: none */
    const char *data;            /* file or folder of its items, which makes a score measured; NULL:
                                    scores are imported only */
    const char *protocol;        /* by which it is measured; NULL where data is */
    uint64_t limit; /* items to run, of each subject where there are subjects; 0: all */
    size_t line;
} cril_study_benchmark;

typedef struct cril_study_protocol {
    const char *name;
    size_t context, stride; /* 0: the protocol's own */
    size_t line;
} cril_study_protocol;

/* One line that the study wants to see. */
typedef struct cril_study_fit {
    const char *name;
    const char *x, *y;         /* axis words, see cril_study_check_fit */
    const char *const *models; /* [n_models] selection words, see cril_study_selects; none: all */
    size_t n_models;
    size_t line;
} cril_study_fit;

/* A benchmark of which it is asked whether models have seen it (doc/leak.md, "In a study"). */
typedef struct cril_study_leak {
    const char *benchmark; /* name of one with data */
    const char *control;   /* path of records of the same form that no model can have seen */
    uint64_t limit;        /* records of each file that are looked at: the first */
    size_t line;
} cril_study_leak;

typedef struct cril_study_info {
    const char *path;     /* of the study file, as given */
    const char *title;    /* of the file's name where none is given */
    const char *database; /* path of the store */
    const char *python;   /* command or path that runs programs of benchmarks; NULL: python3 */
    const cril_study_model *models;
    const cril_study_corpus *corpora;
    const cril_study_benchmark *benchmarks;
    const cril_study_protocol
        *protocols; /* [n_protocols] the first is the one that fits use, unless told otherwise */
    const cril_study_fit *fits;
    const cril_study_leak *leaks;
    size_t n_models, n_corpora, n_benchmarks, n_protocols, n_fits, n_leaks;
} cril_study_info;

/*
 * Reads and checks a study file; globs become models, sorted by name. Every fault is found before
 * anything runs and said as "FILE:LINE: what, how to mend it": an unknown key, a missing file, two
 * models of one name, a benchmark's group that is no corpus's, a value of the wrong kind. *out is
 * owned by the caller. CRIL_ERR_IO, _FORMAT (not YAML), _UNSUPPORTED (YAML of a kind that is
 * refused), _RANGE (not a study), _NOMEM; where a corpus cannot be opened, what cril_corpus_open
 * says.
 */
cril_status cril_study_load(const char *path, cril_study **out, cril_error *err);
void cril_study_close(cril_study *s); /* NULL is allowed */
const cril_study_info *cril_study_info_of(const cril_study *s);

enum { CRIL_STUDY_MOST_FAULTS = 10 };

typedef struct cril_study_faults {
    size_t n;  /* by line */
    bool more; /* there were more: after these the file was not looked at any further */
    cril_error fault[CRIL_STUDY_MOST_FAULTS];
} cril_study_faults;

/* cril_study_load, which tells the first fault only, with all of them. Returns the first one's
 * status. */
cril_status cril_study_check(const char *path, cril_study **out, cril_study_faults *faults);

/*
 * Whether a model's name ends in the step of a checkpoint: "checkpoint" or "step", perhaps a '-',
 * '_' or '.', and a number of at most 15 digits. *step is the number; *stem, how many bytes of the
 * name stand before the word and its '-', '_' or '.', or, where these are none, before the number:
 * "pythia-70m" of pythia-70m-step1000, "checkpoint" of checkpoint-500. Both may be NULL.
 */
bool cril_study_step(const char *name, uint64_t *step, size_t *stem);

/* ---- Words ---- */

/*
 * Whether axis words and selection words mean something in this study; f->name and f->line are not
 * looked at.
 *
 *   x   "average" (mean over all corpora), a corpus, or a group (mean over its corpora)
 *   y   "average" (mean over the groups' means), "plain" (mean over all benchmarks), a benchmark,
 * or a group (mean over its benchmarks)
 *
 * CRIL_ERR_RANGE: one of them does not, or no model is chosen; the sentence lists what there is,
 * without file and line.
 */
cril_status cril_study_check_fit(const cril_study_info *s, const cril_study_fit *f,
                                 cril_error *err);

/*
 * Whether words choose a model. A word is a model's name, its family or one of its tags; with '-'
 * in front it excludes those models. Chosen is what some word includes and none excludes; without
 * an including word, all that none excludes.
 */
bool cril_study_selects(const cril_study_model *m, const char *const *words, size_t n_words);

/* ---- What is known ---- */

/* Where a number comes from. */
typedef enum cril_origin {
    CRIL_ORIGIN_NONE = 0, /* nothing is known */
    CRIL_ORIGIN_MEASURED, /* by this library, all documents or items */
    CRIL_ORIGIN_IMPORTED
} cril_origin;

typedef struct cril_known {
    double value; /* bits per character, or a score as a share of 1; NaN where origin is NONE */
    double se;    /* standard error; NaN: not known */
    cril_origin origin;
    const char *source;      /* of an imported one, and by which task and protocol a score was
                                measured; "" otherwise; belongs to the table */
    const char *out_of_date; /* why what was measured is no longer of the study, and not the value
                                here; NULL: it is, or nothing was; belongs to the table */
    double was;              /* what was measured then */
    /* Of measured bits per character: characters that the model's tokens do not spell, documents
       that have some, and the bits per character that an archive needs for these beside value. */
    uint64_t unspelled_characters, unspelled_documents;
    double escapes;
} cril_known;

/* What an archive needs: value and escapes. Models are ordered, and lines drawn, by it. */
double cril_known_with_escapes(const cril_known *k);

/* How far a model is from its base on a corpus, measured on all documents (doc/diverge.md). */
typedef struct cril_known_divergence {
    uint64_t documents, tokens; /* that are compared; tokens 0: nothing is known */
    double mean_kl, same_top, ln_ppl_ratio;
    cril_interval mean_kl_interval; /* resamples 0 where fewer than 2 documents have tokens */
    const char *out_of_date; /* as cril_known has it; NULL: it is not; belongs to the table */
    double was;              /* the mean KL that was measured then; NaN: of no token */
} cril_known_divergence;

/* Documents of a corpus. */
typedef struct cril_known_corpus {
    uint64_t documents;         /* that the study asks for; 0: not known */
    uint64_t all;               /* that the corpus has, whatever the limit; 0: not known */
    uint64_t characters, bytes; /* of the documents' texts */
} cril_known_corpus;

/* All numbers of a study by one protocol. */
typedef struct cril_study_table {
    size_t n_models, n_corpora, n_benchmarks;
    cril_known *bpc;                   /* [n_models][n_corpora] */
    cril_known *score;                 /* [n_models][n_benchmarks] */
    cril_known_divergence *divergence; /* [n_models][n_corpora]; NULL: nothing is known */
    cril_known_corpus *corpora;        /* [n_corpora]; NULL: nothing is known of them */
    void *owned;                       /* strings */
} cril_study_table;

void cril_study_table_free(cril_study_table *t);

/* ---- Figures measured elsewhere ---- */

typedef enum cril_figure_kind {
    CRIL_FIGURE_BPC,  /* columns model, corpus, bpc; perhaps se, its standard error */
    CRIL_FIGURE_SCORE /* columns model, benchmark, score: percent, 0 to 100, unless a column unit
                         says "fraction", 0 to 1; perhaps se, in the same unit */
} cril_figure_kind;

typedef struct cril_figure {
    const char *model, *of; /* of: the corpus or benchmark */
    double value, se;   /* bits per character; score and error as shares of 1; se NaN: not known */
    const char *source; /* "" if the file has no such column */
    size_t line;        /* of the file, where the record begins; 0: it comes from no file */
} cril_figure;

typedef struct cril_figures {
    cril_figure *rows; /* [n] in the file's order */
    size_t n;
    void *owned; /* the strings */
} cril_figures;

/*
 * Reads a CSV file (RFC 4180, UTF-8, a header of column names) of published figures. Beside the
 * columns of its kind, a file may have source, family, params_b, active_params_b, shots and metric,
 * of which only source is read. source_prefix, unless NULL: only rows whose source begins so. *out
 * is owned by the caller: cril_figures_free.
 *
 * CRIL_ERR_FORMAT names file and line: a column that is missing or not known, a record with another
 * number of fields, a value that is no number or out of range (a score of 140, NaN), two different
 * values for one model, scores of a benchmark that are all at most 1 where no column says in which
 * unit. CRIL_ERR_EMPTY: no row (with that source). CRIL_ERR_IO, _NOMEM.
 */
cril_status cril_figures_read(const char *path, cril_figure_kind kind, const char *source_prefix,
                              cril_figures *out, cril_error *err);
void cril_figures_free(cril_figures *f);

/* ---- Choosing ---- */

/* Models of a study as points of a plane, in the study's order. */
typedef struct cril_study_points {
    size_t n;
    double *x, *y;       /* [n] bits per character; score as a share of 1 */
    double *x_se, *y_se; /* [n] standard error; NaN: not known */
    uint32_t *family;    /* [n] models of one family have one number */
    size_t *model;       /* [n] index in the study */
    size_t *lacking;     /* [n_lacking] chosen models of which a number is not known */
    size_t n_lacking;
} cril_study_points;

/*
 * The models that f chooses and of which everything is known that its x and y need.
 *
 * A mean's standard error takes its numbers' errors as independent, and is not known where one of
 * them is not. *out is owned by the caller: cril_study_points_free. CRIL_ERR_RANGE: words that mean
 * nothing here, see cril_study_check_fit. CRIL_ERR_NOMEM. Whether the points are enough for a line
 * is a matter of fit.h.
 */
cril_status cril_study_points_get(const cril_study_info *s, const cril_study_table *t,
                                  const cril_study_fit *f, cril_study_points *out, cril_error *err);
void cril_study_points_free(cril_study_points *p);

/*
 * One model's coordinates, as above. The origin is NONE where a number is lacking, IMPORTED where
 * one is imported; there is no source. x and y may each be NULL.
 */
cril_status cril_study_coordinates(const cril_study_info *s, const cril_study_table *t,
                                   const cril_study_fit *f, size_t model, cril_known *x,
                                   cril_known *y, cril_error *err);

/* ---- Lines ---- */

typedef struct cril_study_line_options {
    double level;     /* of all intervals; 0: 0.95 */
    double threshold; /* residual in standard errors from which a model is off the line; 0: 3 */
    size_t resamples; /* 0: 1000 */
    uint64_t seed;
} cril_study_line_options;

/* o with a default in the place of each 0; o may be NULL. */
cril_study_line_options cril_study_line_defaults(const cril_study_line_options *o);

/* A line and what is to be known of it; doc/fit.md defines the figures. */
typedef struct cril_study_line {
    cril_study_points models;
    cril_points points; /* the same as fit.h has it; borrows from models */
    cril_line line;
    cril_point_fit *each; /* [models.n] */
    size_t n_flagged;
    cril_line_bootstrap over_models,
        over_families; /* the latter with n_units 1 and nothing else where there is one family */
    cril_left_out *families;      /* [left_out.n_families] whose lines are fitted without them */
    cril_left_out_total left_out; /* n_families_used 0: no family can be left out */
    bool is_york;  /* errors_in_both has each model's own errors; else the orthogonal line */
    bool has_both; /* it converged */
    cril_line_both errors_in_both;
} cril_study_line;

/*
 * Fits the line that f names. options may be NULL. *out is owned by the caller:
 * cril_study_line_free. Errors are those of cril_study_points_get and cril_line_fit; with fewer
 * than 3 models the sentence says which figures are lacking.
 */
cril_status cril_study_line_fit(const cril_study_info *s, const cril_study_table *t,
                                const cril_study_fit *f, const cril_study_line_options *options,
                                cril_study_line *out, cril_error *err);
void cril_study_line_free(cril_study_line *l);

#ifdef __cplusplus
}
#endif
#endif
