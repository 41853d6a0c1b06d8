/* The words of a fit: see cril_study_check_fit and cril_study_selects in cril/study.h. */
#ifndef CRIL_STUDY_WORDS_H
#define CRIL_STUDY_WORDS_H

#include <cril/study.h>

/* Names that nothing in a study may have, as they mean something in fits; NULL past the last. */
const char *cril_words_reserved(size_t i);

/* What an axis is made of: corpora for 'x', benchmarks for 'y'. */
struct cril_column {
    const char *name, *group;
};
size_t cril_words_columns(const cril_study_info *s, char axis);
struct cril_column cril_words_column(const cril_study_info *s, char axis, size_t i);
size_t cril_words_find(const cril_study_info *s, char axis,
                       const char *name); /* the column of that name; past the last: none */
size_t cril_words_count(const cril_study_info *s, char axis,
                        const char *group);                    /* columns of a group */
size_t cril_words_groups(const cril_study_info *s, char axis); /* groups */

/* axis: 'x' or 'y'. CRIL_ERR_RANGE: the word means nothing there. */
cril_status cril_words_axis(const cril_study_info *s, char axis, const char *word, cril_error *err);

/* One selection word. CRIL_ERR_RANGE: no model has that name, family or tag. */
cril_status cril_words_model(const cril_study_info *s, const char *word, cril_error *err);

#endif
