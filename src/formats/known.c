#include "formats/known.h"

#include "util/fail.h"

#include <string.h>

static const char *find_reason(const struct cril_known_key *harmless, struct cril_bytes key)
{
    for (; harmless->key; harmless++) {
        const size_t len = strlen(harmless->key) - 1; /* before the last character */

        if (harmless->key[len] == '*' ? key.len >= len && !memcmp(key.data, harmless->key, len)
                                      : cril_bytes_are(key, harmless->key))
            return harmless->reason;
    }
    return NULL;
}

cril_status cril_known_keys(struct cril_values *v, const char *prefix,
                            const struct cril_known_key *harmless, cril_error *err)
{
    const size_t len = strlen(prefix);

    for (size_t i = 0; i < v->n; i++) {
        const struct cril_bytes key = v->values[i].key;
        const char *reason;

        if (v->use[i].read || !cril_bytes_start_with(key, prefix))
            continue;
        reason = find_reason(harmless, (struct cril_bytes){key.data + len, key.len - len});
        if (!reason)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: cril does not know what key '%.*s' does to the model's figures, "
                             "so it does not run the model; if it does nothing, remove the key",
                             v->path, CRIL_SHOWN(key));
        v->use[i].reason = reason;
    }
    return CRIL_OK;
}

const char *cril_known_reason(const struct cril_values *v, size_t i)
{
    if (v->use[i].read)
        return NULL;
    if (v->use[i].reason)
        return v->use[i].reason;
    return cril_bytes_start_with(v->values[i].key, "general.")
               ? "describes the model, computes nothing"
               : "has a prefix that is neither the architecture's nor the tokenizer's";
}
