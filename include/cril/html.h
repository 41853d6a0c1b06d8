/*
 * A study as one page for people: HTML that needs no network, no script and no other file.
 *
 * The page holds what is known and what fit.h makes of it: the first fit with its line and bands, a
 * leaderboard, a small figure for each fit, diagnostics, ordinary compressors, method, identities,
 * and how to repeat it (doc/report.md). It depends on its arguments alone: no time, host or path
 * but the study file's name, and no locale. Text from outside is escaped wherever it stands.
 */
#ifndef CRIL_HTML_H
#define CRIL_HTML_H

#include <cril/status.h>
#include <cril/study.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an ordinary compressor needs for a corpus. */
typedef struct cril_report_baseline {
    const char *corpus; /* the study's name for it */
    const char *name;   /* such as "xz -9" */
    double bits_per_character;
} cril_report_baseline;

/* Which bytes a name of the study stands for. */
typedef struct cril_report_identity {
    const char *name;
    const char *sha256;
    uint64_t bytes, parameters; /* of a model: all its files; elements of all its tensors. 0: not
                                   known */
} cril_report_identity;

/* How well Min-K% of a model tells texts of a benchmark from a control (doc/leak.md, "In a study").
 */
typedef struct cril_report_leak {
    size_t model;          /* index in the study */
    const char *benchmark; /* the study's name for it */
    const char *part;      /* "test", "train" */
    uint64_t n_set, n_control;
    double auc, low, high;               /* 0 to 1 */
    double blind, blind_low, blind_high; /* of the classifier that sees no model */
} cril_report_leak;

/* Zero-initialised it is a report by the study's first protocol, without what only its caller can
 * know. */
typedef struct cril_report_options {
    const cril_study_protocol *protocol; /* by which the table was made; NULL: the study's first */
    cril_study_line_options line;
    const cril_report_baseline *baselines; /* [n_baselines] those of other corpora are left out */
    const cril_report_identity *models;    /* [n_identified_models] */
    const cril_report_identity *corpora;   /* [n_identified_corpora] */
    const cril_report_leak *leaks;         /* [n_leaks] */
    size_t n_baselines, n_identified_models, n_identified_corpora, n_leaks;
    const char *version; /* of the cril that measured; NULL: this one */
    int numerics;        /* likewise; 0: this one's */
    const char *date;    /* put on the page as it is; NULL: none */
} cril_report_options;

/*
 * Writes the page to f. options may be NULL. What cannot be shown (a fit of fewer than 3 models, a
 * number that is not known) is said on the page and is no error. CRIL_ERR_IO: f failed.
 * CRIL_ERR_NOMEM; f then holds a part of a page. CRIL_ERR_RANGE: a level that is none.
 */
cril_status cril_study_report(FILE *f, const cril_study_info *s, const cril_study_table *t,
                              const cril_report_options *options, cril_error *err);

/*
 * The figures that the page of this study has, in its order: their names, which cril_study_figure
 * takes (doc/report.md, "Figures alone"), and what they show, as plain text. Both are borrowed
 * during the call. CRIL_ERR_NOMEM. CRIL_ERR_RANGE: a level that is none.
 */
typedef void (*cril_study_see_figure)(void *user, const char *name, const char *shows);
cril_status cril_study_figures(const cril_study_info *s, const cril_study_table *t,
                               const cril_report_options *options, cril_study_see_figure see,
                               void *user, cril_error *err);

enum { CRIL_FIGURE_MIN_WIDTH = 300, CRIL_FIGURE_MAX_WIDTH = 4000, CRIL_FIGURE_WIDTH = 960 };

/*
 * Writes one figure to f as an SVG file that needs no other; width in CSS pixels, 0: the default
 * one. Narrow figures, below 616, are laid out for a column. Or its numbers as CSV, with a row of
 * names. CRIL_ERR_RANGE: no such figure, or nothing that it could show, a width out of range, a
 * level that is none. CRIL_ERR_IO: f failed; CRIL_ERR_NOMEM; f then holds a part of it.
 */
cril_status cril_study_figure(FILE *f, const cril_study_info *s, const cril_study_table *t,
                              const cril_report_options *options, const char *name, unsigned width,
                              cril_error *err);
cril_status cril_study_figure_data(FILE *f, const cril_study_info *s, const cril_study_table *t,
                                   const cril_report_options *options, const char *name,
                                   cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
