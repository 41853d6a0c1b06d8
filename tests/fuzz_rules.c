/*
 * libFuzzer entry: the first line as a gold answer, the rest as a text, graded by every set of
 * rules. An answer equals itself, and equality has no direction.
 */
#include "tasks/rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *grade(cril_rules *rules, json_t *in)
{
    json_t *const out = json_object();

    if (rules(in, out, NULL) != CRIL_OK)
        abort();
    json_decref(in);
    return out;
}

static json_t *compare(json_t *reference, json_t *candidate)
{
    return grade(cril_rules_math,
                 json_pack("{s:O, s:O}", "reference", reference, "candidate", candidate));
}

static void check_equality(json_t *a, json_t *b)
{
    static const char *const rules[] = {"minerva_string", "hendrycks", "opencompass_v1",
                                        "opencompass_v2"};
    json_t *const ab = compare(a, b), *const ba = compare(b, a), *const aa = compare(a, a);

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (json_is_true(json_object_get(ab, rules[i])) !=
                json_is_true(json_object_get(ba, rules[i])) ||
            !json_is_true(json_object_get(aa, rules[i])))
            abort();
    json_decref(ab);
    json_decref(ba);
    json_decref(aa);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cril_rules *const all[] = {cril_rules_gsm8k, cril_rules_math, cril_rules_letters,
                                      cril_rules_answers};
    const uint8_t *const line = size ? memchr(data, '\n', size) : NULL;
    const size_t n = line ? (size_t)(line - data) : size, start = n + (line != NULL);
    json_t *const gold = json_stringn_nocheck((const char *)data, n);
    json_t *const text = json_stringn_nocheck((const char *)data + start, size - start);

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        json_decref(grade(all[i], json_pack("{s:O, s:O, s:[O, O]}", "text", text, "gold", gold,
                                            "references", gold, text)));
    check_equality(gold, text);
    json_decref(gold);
    json_decref(text);
    return 0;
}
