/* What readers of JSON files share: components by their names, and sentences about what is wrong.
 */
#ifndef CRIL_TOKENIZER_SPEC_JSON_H
#define CRIL_TOKENIZER_SPEC_JSON_H

#include "tokenizer/spec.h"
#include "util/json.h"

/* A token's name, which files give as it is or in an object; borrowed from value. */
static inline struct cril_bytes cril_token_name(const json_t *value)
{
    return cril_json_text(json_is_object(value) ? json_object_get(value, "content") : value);
}

/* The text of a member; *text is borrowed. CRIL_ERR_FORMAT: it is absent or none. */
cril_status cril_spec_json_text(const struct cril_spec *s, const json_t *object, const char *key,
                                struct cril_bytes *text, cril_error *err);
/* A truth value; absent or null: *value stays. CRIL_ERR_FORMAT. */
cril_status cril_spec_json_flag(const struct cril_spec *s, const json_t *object, const char *key,
                                bool *value, cril_error *err);
/* A copy in s's arena, with a NUL behind. CRIL_ERR_NOMEM. */
cril_status cril_spec_copy(struct cril_spec *s, struct cril_bytes text, struct cril_bytes *copy,
                           cril_error *err);

/* tokenizer.json's "normalizer" and "pre_tokenizer", NULL or null where there is none, become s's
 * steps; sets byte_level and spaces. CRIL_ERR_FORMAT, CRIL_ERR_UNSUPPORTED, CRIL_ERR_NOMEM. */
cril_status cril_spec_read_normalizer(struct cril_spec *s, const json_t *component,
                                      cril_error *err);
cril_status cril_spec_read_pre_tokenizer(struct cril_spec *s, const json_t *component,
                                         cril_error *err);

/* Its "post_processor": BOS and EOS, has_processor. s has its tokens. CRIL_ERR_FORMAT,
 * CRIL_ERR_UNSUPPORTED. */
cril_status cril_spec_read_processor(struct cril_spec *s, const json_t *processor, cril_error *err);

#endif
