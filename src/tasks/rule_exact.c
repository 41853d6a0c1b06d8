/* The rule of requests and task files: the whole text, without white space at its ends. */
#include "tasks/requests.h"

#include "tasks/python_text.h"
#include "tasks/rule_fields.h"
#include "util/fail.h"
#include "util/json.h"

static bool matches(const json_t *references, struct cril_bytes text)
{
    size_t i;
    const json_t *v;

    json_array_foreach((json_t *)references, i, v)
    {
        const struct cril_bytes r = cril_python_strip(cril_json_text(v));

        if (r.len == text.len && (!r.len || !memcmp(r.data, text.data, r.len)))
            return true;
    }
    return false;
}

cril_status cril_rules_exact(const json_t *in, json_t *out, cril_error *err)
{
    const json_t *const text = json_object_get(in, "text");
    const json_t *const references = json_object_get(in, "references");
    struct cril_rule_out o = {.out = out};
    struct cril_bytes stripped;
    size_t i;
    const json_t *v;

    if (!json_is_string(text))
        return cril_fail(err, CRIL_ERR_FORMAT, "\"text\" is missing, or no text");
    if (!json_is_array(references))
        return cril_fail(err, CRIL_ERR_FORMAT, "\"references\" is missing, or no list of texts");
    json_array_foreach((json_t *)references, i, v)
    {
        if (!json_is_string(v))
            return cril_fail(err, CRIL_ERR_FORMAT, "element %zu of \"references\" is no text",
                             i + 1);
    }
    stripped = cril_python_strip(cril_json_text(text));
    cril_rule_put_bytes(&o, "exact", stripped);
    cril_rule_put_truth(&o, "exact_match", matches(references, stripped));
    return cril_rule_finish(&o, NULL, 0, err);
}
