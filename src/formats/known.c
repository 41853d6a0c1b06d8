#include "formats/known.h"

#include "util/fail.h"

#include <string.h>

static bool starts_with(struct gguf_string s, const char *prefix, size_t len)
{
    return s.len >= len && !memcmp(s.data, prefix, len);
}

static const char *find_reason(const struct cril_known_key *harmless, struct gguf_string key)
{
    for (; harmless->key; harmless++) {
        const size_t len = strlen(harmless->key);

        if (harmless->key[len - 1] == '*' ? starts_with(key, harmless->key, len - 1)
                                          : starts_with(key, harmless->key, len) && key.len == len)
            return harmless->reason;
    }
    return NULL;
}

cril_status cril_known_keys(cril_gguf *g, const char *prefix, const struct cril_known_key *harmless,
                            cril_error *err)
{
    const size_t len = strlen(prefix);

    for (size_t i = 0; i < cril_gguf_kv_count(g); i++) {
        const struct gguf_string key = cril_gguf_kv(g, i)->key;
        const char *reason;

        if (cril_gguf_was_read(g, i) || !starts_with(key, prefix, len))
            continue;
        reason = find_reason(harmless, (struct gguf_string){key.data + len, key.len - len});
        if (!reason)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: cril does not know what key '%.*s' does to the model's figures, "
                             "so it does not run the model; if it does nothing, remove the key",
                             cril_gguf_path(g), key.len > 80 ? 80 : (int)key.len, key.data);
        cril_gguf_set_reason(g, i, reason);
    }
    return CRIL_OK;
}

const char *cril_known_reason(const cril_gguf *g, size_t i)
{
    static const char general[] = "general.";

    if (cril_gguf_was_read(g, i))
        return NULL;
    if (cril_gguf_reason(g, i))
        return cril_gguf_reason(g, i);
    return starts_with(cril_gguf_kv(g, i)->key, general, sizeof(general) - 1)
               ? "describes the model, computes nothing"
               : "has a prefix that is neither the architecture's nor the tokenizer's";
}
