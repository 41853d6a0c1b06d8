#include "tasks/rule_fields.h"

#include "util/fail.h"
#include "util/json.h"

#include <stdio.h>

cril_status cril_rule_read(const json_t *in, const char *name, struct cril_str *t, bool *has,
                           cril_error *err)
{
    const json_t *const value = json_object_get(in, name);
    struct cril_bytes text = cril_json_text(value);
    char digits[32];

    if (has)
        *has = value;
    if (!value && !has)
        return cril_fail(err, CRIL_ERR_FORMAT, "the field \"%s\" is missing", name);
    if (!value)
        return CRIL_OK;
    if (json_is_integer(value)) {
        snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        text = cril_bytes_of(digits);
    }
    if (!text.data)
        return cril_fail(err, CRIL_ERR_FORMAT, "the field \"%s\" is no text", name);
    t->n = 0;
    cril_str_append_repaired(t, text);
    return CRIL_OK;
}

void cril_rule_put(struct cril_rule_out *o, const char *name, json_t *value)
{
    if (json_object_get(o->out, name))
        json_decref(value);
    else if (!value || json_object_set_new(o->out, name, value))
        o->failed = true;
}

void cril_rule_put_bytes(struct cril_rule_out *o, const char *name, struct cril_bytes text)
{
    cril_rule_put(o, name, json_stringn(text.data, text.len));
}

void cril_rule_put_text(struct cril_rule_out *o, const char *name, const struct cril_str *t)
{
    cril_rule_put_bytes(o, name, cril_str_bytes(t));
}

void cril_rule_put_truth(struct cril_rule_out *o, const char *name, bool value)
{
    cril_rule_put(o, name, json_boolean(value));
}

cril_status cril_rule_finish(const struct cril_rule_out *o, const struct cril_str *const *texts,
                             size_t n, cril_error *err)
{
    bool failed = o->failed;

    for (size_t i = 0; i < n; i++)
        failed = failed || texts[i]->failed;
    return failed ? cril_fail(err, CRIL_ERR_NOMEM, "out of memory") : CRIL_OK;
}
