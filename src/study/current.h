/* What a look at a study's files was for. */
#ifndef CRIL_STUDY_CURRENT_H
#define CRIL_STUDY_CURRENT_H

#include <cril/store.h>

cril_store *cril_current_store(const cril_current *c);
const cril_study_info *cril_current_study(const cril_current *c);

#endif
