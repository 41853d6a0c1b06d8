/* A report on its way to a file: what its parts share. Each part is one file and writes its own
 * section. */
#ifndef CRIL_REPORT_PAGE_H
#define CRIL_REPORT_PAGE_H

#include "report/csv.h"
#include "report/plot.h"

#include <cril/html.h>
#include <stdbool.h>

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
    bool is_alone;  /* it is no page but one figure of it */
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
    double *file_bytes;         /* [n_models] NaN: not known */
    double *bits_a_weight;      /* [n_models] of the file; NaN: not known */
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

/* An axis' title: "bits per character on cc, fewer is better". quantity may be "". */
struct cril_page_title {
    struct cril_plot_title title; /* borrows from the rest */
    char before[64], after[96];
};
void cril_page_make_title(const struct cril_page *p, char axis, const char *word,
                          const char *quantity, const char *end, struct cril_page_title *out);

/* "98.1 MB"; a dash where it is not known. */
void cril_page_size(const struct cril_page *p, double bytes);

/* A table's cell: "0.12 to 0.34"; a dash where it is not known. */
void cril_page_range(const struct cril_page *p, double low, double high, int decimals);

/* The sentence why a fit has no line, less the study's path in front of it. */
void cril_page_why(const struct cril_page *p, const struct cril_page_fit *f);

/* Models of a line, farthest off it first. [models.n], owned: free. NULL: out of memory. */
size_t *cril_page_farthest(const cril_study_line *l);

/* Begins a table with the next number. id: the caption's, and the table's class; caption: markup.
 * The rest is the caller's. */
void cril_page_start_table(struct cril_page *p, const char *id, const char *caption);

/* Whether a model of the study has a base. */
bool cril_page_has_divergences(const struct cril_page *p);

/* Of one corpus, those that are known. */
size_t cril_page_baselines(const struct cril_page *p, size_t corpus);

/* ---- figures ---- */

/* What a figure is of, where a study may have several of its kind. */
struct cril_page_of {
    const char *name;
    bool is_first;                   /* the kind's name alone is the figure's name */
    const struct cril_page_fit *fit; /* it, or: */
    const cril_study_model *base;    /* from which models diverge */
};

/*
 * A figure, on the page and alone; figure.c has the table of them. of: NULL for a figure of which
 * there is one.
 */
struct cril_page_figure {
    const char *name;
    const char *title; /* after the study's */
    const char *lacks; /* why there may be nothing to show: a clause */
    /* Of a figure of which there are several: what number i is of. False: there are not so many. */
    bool (*find)(const struct cril_page *p, size_t i, struct cril_page_of *out);
    bool (*is_there)(const struct cril_page *p, const struct cril_page_of *of);
    /* Height of a drawing of that width, in units of its coordinates. */
    double (*height)(const struct cril_page *p, const struct cril_page_of *of, double width);
    /* Whether the key is to have a family. */
    bool (*has_family)(const struct cril_page *p, const struct cril_page_of *of, size_t family);
    /* The caption: sentences without markup. */
    void (*say)(struct cril_page *p, const struct cril_page_of *of);
    void (*draw)(struct cril_page *p, const struct cril_page_of *of, double width);
    void (*write_data)(struct cril_page *p, const struct cril_page_of *of, struct cril_csv *csv);
};

extern const struct cril_page_figure cril_page_figure_line, cril_page_figure_lines,
    cril_page_figure_size, cril_page_figure_kl, cril_page_figure_learning,
    cril_page_figure_compressors;

/* For a wide and for a narrow screen, and the key below. */
void cril_page_draw(struct cril_page *p, const struct cril_page_figure *figure,
                    const struct cril_page_of *of);
void cril_page_write_key(const struct cril_page *p, const struct cril_page_figure *figure,
                         const struct cril_page_of *of);
/* A link that holds the figure's numbers. */
void cril_page_link_data(struct cril_page *p, const struct cril_page_figure *figure,
                         const struct cril_page_of *of);
/* A figure with its caption. */
void cril_page_write_figure(struct cril_page *p, const struct cril_page_figure *figure,
                            const struct cril_page_of *of);
/* A section of a figure of which there is one, if it is there. */
void cril_page_section(struct cril_page *p, const struct cril_page_figure *figure, const char *id,
                       const char *heading);
/* Of a caption: what all names end in, where the figure leaves that out. */
void cril_page_say_tail(const struct cril_page *p, const struct cril_plot_point *points, size_t n);
/* Of a caption: why models that share their documents have no error bars, where they have errors.
 */
void cril_page_say_no_bars(const struct cril_page *p);
/* A model's value in a figure; NaN: the figure does not show the model. */
typedef double cril_page_value(const struct cril_page *p, const struct cril_page_of *of,
                               size_t model);
/* Whether a model of a family is one that the figure shows. */
bool cril_page_has_family(const struct cril_page *p, const struct cril_page_of *of, size_t family,
                          cril_page_value value);
/* cril_page_figure.height of a drawing that cril_plot_init makes. */
double cril_page_plot_height(const struct cril_page *p, const struct cril_page_of *of,
                             double width);

/* ---- files ---- */

/* Gathers, into *p, what is written to f; cril_page_close takes what there is of it. */
cril_status cril_page_open(struct cril_page *p, FILE *f, const cril_study_info *s,
                           const cril_study_table *t, const cril_report_options *options,
                           cril_error *err);
/* Whether all was written. */
cril_status cril_page_finish(const struct cril_page *p, cril_error *err);
void cril_page_close(struct cril_page *p);

/* ---- parts, in the page's order ---- */
void cril_page_head(const struct cril_page *p);
void cril_page_headline(struct cril_page *p);
void cril_page_scatter(struct cril_page *p); /* of the main fit */
void cril_page_leaderboard(struct cril_page *p);
void cril_page_sizes(struct cril_page *p);
void cril_page_divergences(struct cril_page *p);
void cril_page_learning(struct cril_page *p);
void cril_page_compressors(struct cril_page *p);
void cril_page_aside(struct cril_page *p); /* the main line, where it does not lead */
void cril_page_panels(struct cril_page *p);
void cril_page_lines(struct cril_page *p);
void cril_page_residuals(struct cril_page *p);
void cril_page_leaks(struct cril_page *p);
void cril_page_method(struct cril_page *p);
void cril_page_foot(const struct cril_page *p);

#endif
