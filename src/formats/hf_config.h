/* A JSON object as values by key, as a folder's config.json has them. */
#ifndef CRIL_FORMATS_HF_CONFIG_H
#define CRIL_FORMATS_HF_CONFIG_H

#include "formats/values.h"
#include "util/json.h"

/*
 * Adds what the object says to v, under its names; a member of an object in it is named by both
 * with a dot between, "rope_scaling.factor". Integers are I64, real numbers F64 (also infinite
 * ones), then there are truth values and texts; null is absent. A list of one of these kinds is an
 * array, one of integers and real numbers is of real numbers, an empty one has no texts; any other
 * list is its JSON as text.
 *
 * The members of "text_config", where that is an object, stand in place of the object's own: of
 * those remain the ones whose names text_config lacks.
 *
 * v is sorted by this. CRIL_ERR_FORMAT: a key occurs twice, as "a.b" and in "a". CRIL_ERR_NOMEM.
 */
cril_status cril_hf_config_add(struct cril_values *v, const json_t *object, cril_error *err);

#endif
