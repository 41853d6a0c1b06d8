/* A report on its way to a file: what its parts share. Each part is one file and writes its own
 * section. */
#ifndef CRIL_REPORT_PAGE_H
#define CRIL_REPORT_PAGE_H

#include <cril/html.h>
#include <stdbool.h>

enum { CRIL_PAGE_COLOURS = 7, CRIL_PAGE_SHAPES = 8 }; /* coprime: 56 families look different */

struct cril_page_fit {
    const cril_study_fit *is;
    bool has_line;
    cril_error why;           /* not */
    cril_study_line line;     /* owned, if has_line */
    cril_study_points points; /* owned, if not has_line: what there is without a line */
};

struct cril_page {
    FILE *f;
    bool no_memory; /* somewhere on the way */
    const cril_study_info *info;
    const cril_study_table *table;
    const cril_report_options *options;
    const cril_study_protocol *protocol; /* NULL: the study has none */
    cril_study_line_options line;        /* of the options, defaults filled in */
    double reach;                        /* in standard errors, see cril_page_reach */
    int bpc_decimals;
    size_t *order; /* [n_models] fewest bits per character first, then those without a figure */
    cril_known *average; /* [n_models] mean bits per character, by which they are ordered */
    size_t n_ranked;     /* of which it is known */
    size_t *family;      /* [n_models] number of its family */
    const char **family_names;
    size_t n_families;
    struct cril_page_fit *fits; /* [info->n_fits] */
    const char **sources;       /* [n_sources] of imported numbers, in the table's order */
    size_t n_sources;
    size_t n_tables; /* that have a number so far */
};

/* How far an interval reaches to each side; 0 where the standard error is not known. */
double cril_page_reach(const struct cril_page *p, double se);
/* Points of a fit, with or without a line. */
const cril_study_points *cril_page_points(const struct cril_page_fit *f);
/* The fit that stands for the study: the first. NULL: there is none. */
const struct cril_page_fit *cril_page_main(const struct cril_page *p);

/* Whether the main line leads the page: it has enough models. Otherwise the leaderboard leads. */
bool cril_page_line_leads(const struct cril_page *p);

/* Fills order, average and n_ranked. False: out of memory. */
bool cril_page_rank(struct cril_page *p);
/* The rank of the model at that place of the order, from 1; models of equal figures have one rank.
 */
size_t cril_page_rank_of(const struct cril_page *p, size_t place);
/* Whether another model has the same rank. */
bool cril_page_is_tied(const struct cril_page *p, size_t place);

/* What an axis word means: a name, the mean of several things, or the mean of several of a group.
 */
struct cril_page_axis {
    const char *name; /* NULL: none */
    size_t n;         /* 0: no mean */
    const char *of;   /* "corpora" */
};
struct cril_page_axis cril_page_axis_of(const struct cril_page *p, char axis, const char *word);
/* In words: "mean of 3 corpora", "cc". axis: 'x' or 'y'. */
void cril_page_axis(const struct cril_page *p, char axis, const char *word);

/* The sentence why a fit has no line, less the study's path in front of it. */
void cril_page_why(const struct cril_page *p, const struct cril_page_fit *f);

/* Models of a line, farthest off it first. [models.n], owned: free. NULL: out of memory. */
size_t *cril_page_farthest(const cril_study_line *l);

/* A family's symbol, some 11 units wide, or, small, 7. */
void cril_page_symbol(const struct cril_page *p, size_t family, bool is_small, double x, double y);

/* Begins a table with the next number. id: the caption's, and the table's class; caption: markup.
 * The rest is the caller's. */
void cril_page_start_table(struct cril_page *p, const char *id, const char *caption);

/* Of one corpus, those that are known. */
size_t cril_page_baselines(const struct cril_page *p, size_t corpus);

/* ---- parts, in the page's order ---- */
void cril_page_head(const struct cril_page *p);
void cril_page_headline(struct cril_page *p);
void cril_page_scatter(struct cril_page *p, const struct cril_page_fit *fit);
void cril_page_leaderboard(struct cril_page *p);
void cril_page_compressors(struct cril_page *p);
void cril_page_aside(struct cril_page *p); /* the main line, where it does not lead */
void cril_page_panels(struct cril_page *p);
void cril_page_lines(struct cril_page *p);
void cril_page_residuals(struct cril_page *p);
void cril_page_method(struct cril_page *p);
void cril_page_foot(const struct cril_page *p);

#endif
