/* Which files of a repository are the model that a name means. */
#ifndef CRIL_FETCH_CHOOSE_H
#define CRIL_FETCH_CHOOSE_H

#include "fetch/listing.h"

struct cril_hub_choice {
    const struct cril_hub_file **files; /* [n]; owned, what it points to is the listing's */
    size_t n;
    const char *main; /* the GGUF file to open, the first part; "": the folder */
};

/*
 * spoken is the name as sentences have it. CRIL_ERR_EMPTY: the file is not there, or a part of it.
 * CRIL_ERR_UNSUPPORTED: no model that cril reads, or several of which none is named. *out then
 * needs no free.
 */
cril_status cril_hub_choose(const cril_hub_name *name, const char *spoken,
                            const struct cril_hub_listing *l, struct cril_hub_choice *out,
                            cril_error *err);
void cril_hub_choice_free(struct cril_hub_choice *c);

#endif
