/* Fields of a record, checked. */
#include "tasks/field.h"

#include "util/json.h"

#include <inttypes.h>

static const char *kind_of(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "a list";
    case JSON_STRING: return "a text";
    case JSON_NULL: return "null";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    default: return "a truth value";
    }
}

static cril_status is_another(const struct cril_record *r, const char *name, const json_t *v,
                              const char *wanted, cril_error *err)
{
    if (!v)
        return cril_data_fault(r->data, r->place, err, "\"%s%s\" is missing", r->within, name);
    return cril_data_fault(r->data, r->place, err, "\"%s%s\" is %s, not %s", r->within, name,
                           kind_of(v), wanted);
}

cril_status cril_record_at(const struct cril_data *d, size_t i, struct cril_record *out,
                           cril_error *err)
{
    *out = (struct cril_record){d, i, d->record[i].value, ""};
    if (json_is_object(out->object))
        return CRIL_OK;
    return cril_data_fault(d, i, err, "the record is %s, not an object", kind_of(out->object));
}

cril_status cril_field_text(const struct cril_record *r, const char *name, struct cril_bytes *out,
                            cril_error *err)
{
    const json_t *const v = json_object_get(r->object, name);

    if (!json_is_string(v))
        return is_another(r, name, v, "a text", err);
    *out = cril_json_text(v);
    return CRIL_OK;
}

cril_status cril_field_optional_text(const struct cril_record *r, const char *name,
                                     struct cril_bytes *out, cril_error *err)
{
    const json_t *const v = json_object_get(r->object, name);

    *out = cril_bytes_of("");
    return !v || json_is_null(v) ? CRIL_OK : cril_field_text(r, name, out, err);
}

cril_status cril_field_list(const struct cril_record *r, const char *name, size_t min,
                            const json_t **out, cril_error *err)
{
    const json_t *const v = json_object_get(r->object, name);

    if (!json_is_array(v))
        return is_another(r, name, v, "a list", err);
    if (json_array_size(v) < min)
        return cril_data_fault(r->data, r->place, err, "\"%s%s\" has %zu elements, not %zu or more",
                               r->within, name, json_array_size(v), min);
    *out = v;
    return CRIL_OK;
}

cril_status cril_field_texts(const struct cril_record *r, const char *name, size_t min,
                             const json_t **out, cril_error *err)
{
    const cril_status st = cril_field_list(r, name, min, out, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < json_array_size(*out); i++) {
        const json_t *const v = json_array_get(*out, i);

        if (!json_is_string(v))
            return cril_data_fault(r->data, r->place, err,
                                   "element %zu of \"%s%s\" is %s, not a text", i + 1, r->within,
                                   name, kind_of(v));
    }
    return CRIL_OK;
}

cril_status cril_field_integer(const struct cril_record *r, const char *name, int64_t min,
                               int64_t max, int64_t *out, cril_error *err)
{
    const json_t *const v = json_object_get(r->object, name);

    if (!json_is_integer(v))
        return is_another(r, name, v, "a whole number", err);
    *out = json_integer_value(v);
    if (*out < min || *out > max)
        return cril_data_fault(r->data, r->place, err,
                               "\"%s%s\" is %" PRId64 ", not from %" PRId64 " to %" PRId64,
                               r->within, name, *out, min, max);
    return CRIL_OK;
}

cril_status cril_field_object(const struct cril_record *r, const char *name, const char *within,
                              struct cril_record *out, cril_error *err)
{
    const json_t *const v = json_object_get(r->object, name);

    if (!json_is_object(v))
        return is_another(r, name, v, "an object", err);
    *out = (struct cril_record){r->data, r->place, v, within};
    return CRIL_OK;
}
