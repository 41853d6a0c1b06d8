/*
 * Figures of models by the size of their files, with the frontier (frontier.h). A figure has a
 * value for each model whose size it knows.
 */
#ifndef CRIL_REPORT_BY_SIZE_H
#define CRIL_REPORT_BY_SIZE_H

#include "report/frontier.h"
#include "report/page.h"

struct cril_by_size {
    const struct cril_page *p;
    struct cril_frontier f;
    size_t *model; /* [f.n] */
};

/* How many models the figure shows. */
size_t cril_by_size_count(const struct cril_page *p, const struct cril_page_of *of,
                          cril_page_value value);
/* The models that it shows; *out is owned: cril_by_size_free. False: out of memory, which p notes.
 */
bool cril_by_size_find(struct cril_page *p, const struct cril_page_of *of, cril_page_value value,
                       struct cril_by_size *out);
void cril_by_size_free(struct cril_by_size *s);

/* say: has a struct cril_by_size as its user. */
void cril_by_size_draw(struct cril_page *p, const struct cril_page_of *of, cril_page_value value,
                       double width, const struct cril_plot_title *y, cril_plot_say say);
/* Of a caption: what points and line are; beats: "needs as few bits". */
void cril_by_size_say(struct cril_page *p, const struct cril_page_of *of, cril_page_value value,
                      const char *beats);

#endif
