/*
 * MATH: which answer each rule finds in a text, and which of two answers each rule takes for equal
 * (doc/rules.md). What needs a computer algebra system is not built; its verdicts are false, but
 * where identical texts decide, and "not_built" names them.
 */
#include "tasks/math_rules.h"
#include "tasks/python_text.h"
#include "tasks/rule_fields.h"
#include "tasks/rules.h"

#include "util/fail.h"

static void put_not_built(struct cril_rule_out *o, const char *const *names)
{
    json_t *const array = json_array();

    for (; *names; names++)
        if (json_array_append_new(array, json_string(*names)))
            o->failed = true;
    cril_rule_put(o, "not_built", array);
}

/* ---- Two answers ---- */

/* Identical texts in the normal form of 0.4.13 are equal before sympy is asked, if there is any. */
static bool same_0_4_13(struct cril_bytes a, struct cril_bytes b, bool *failed)
{
    struct cril_str x = {0}, y = {0};
    bool same;

    cril_str_set(&x, a);
    cril_str_set(&y, b);
    cril_minerva_normal(&x, CRIL_MINERVA_0_4_13);
    cril_minerva_normal(&y, CRIL_MINERVA_0_4_13);
    same = x.n && cril_bytes_same(cril_str_bytes(&x), cril_str_bytes(&y));
    *failed = *failed || x.failed || y.failed;
    cril_str_free(&x);
    cril_str_free(&y);
    return same;
}

static void compare(struct cril_rule_out *o, struct cril_bytes reference,
                    struct cril_bytes candidate)
{
    struct cril_str a = {0}, b = {0};

    cril_str_set(&a, reference);
    cril_str_set(&b, candidate);
    cril_minerva_normal(&a, CRIL_MINERVA);
    cril_minerva_normal(&b, CRIL_MINERVA);
    cril_rule_put_text(o, "minerva_reference", &a);
    cril_rule_put_text(o, "minerva_candidate", &b);
    cril_rule_put_truth(o, "minerva_string",
                        cril_bytes_same(cril_str_bytes(&a), cril_str_bytes(&b)));
    cril_rule_put_truth(o, "hendrycks", cril_hendrycks_equal(reference, candidate, &o->failed));
    cril_rule_put_truth(
        o, "opencompass_v1",
        cril_opencompass_equal(reference, candidate, CRIL_OPENCOMPASS_V1, &o->failed));
    cril_rule_put_truth(
        o, "opencompass_v2",
        cril_opencompass_equal(reference, candidate, CRIL_OPENCOMPASS_V2, &o->failed));
    cril_rule_put_truth(o, "lm_eval_0.4.12", false);
    cril_rule_put_truth(o, "lm_eval_0.4.13", same_0_4_13(reference, candidate, &o->failed));
    cril_rule_put_truth(o, "math_verify", false);
    o->failed = o->failed || a.failed || b.failed;
    cril_str_free(&a);
    cril_str_free(&b);
}

/* ---- A text ---- */

struct found {
    struct cril_str minerva, v1, v2;
    struct cril_bytes box; /* of Hendrycks' rule; data NULL: none */
};

static void find(struct cril_rule_out *o, struct cril_bytes text, struct found *f)
{
    cril_minerva_answer(&f->minerva, text);
    cril_rule_put_text(o, "minerva_raw", &f->minerva);
    cril_minerva_normal(&f->minerva, CRIL_MINERVA);
    cril_rule_put_text(o, "minerva_normal", &f->minerva);
    cril_opencompass_answer(&f->v1, text, CRIL_OPENCOMPASS_V1);
    cril_rule_put_text(o, "opencompass_v1_prediction", &f->v1);
    cril_opencompass_answer(&f->v2, text, CRIL_OPENCOMPASS_V2);
    cril_rule_put_text(o, "opencompass_v2_prediction", &f->v2);
    f->box = (struct cril_bytes){0};
    cril_math_last_box(text, &f->box);
}

static void judge(struct cril_rule_out *o, const struct found *f, const struct cril_str *gold)
{
    const struct cril_bytes reference = cril_str_bytes(gold);
    struct cril_str normal = {0};

    cril_str_set(&normal, reference);
    cril_minerva_normal(&normal, CRIL_MINERVA);
    cril_rule_put_truth(o, "minerva_string_match",
                        cril_bytes_same(cril_str_bytes(&f->minerva), cril_str_bytes(&normal)));
    cril_rule_put_truth(o, "hendrycks_match",
                        f->box.data && cril_hendrycks_equal(f->box, reference, &o->failed));
    cril_rule_put_truth(
        o, "opencompass_v1_match",
        cril_opencompass_equal(cril_str_bytes(&f->v1), reference, CRIL_OPENCOMPASS_V1, &o->failed));
    cril_rule_put_truth(
        o, "opencompass_v2_match",
        cril_opencompass_equal(cril_str_bytes(&f->v2), reference, CRIL_OPENCOMPASS_V2, &o->failed));
    cril_rule_put_truth(o, "math_verify_match", false);
    o->failed = o->failed || normal.failed;
    cril_str_free(&normal);
}

/* ---- The set ---- */

static cril_status grade_text(const json_t *in, struct cril_rule_out *o, cril_error *err)
{
    static const char *const not_built[] = {"math_verify_match", NULL};
    struct cril_str text = {0}, gold = {0};
    struct found f = {0};
    bool has_gold;
    cril_status st = cril_rule_read(in, "text", &text, NULL, err);

    if (st == CRIL_OK)
        st = cril_rule_read(in, "gold", &gold, &has_gold, err);
    if (st == CRIL_OK) {
        find(o, cril_str_bytes(&text), &f);
        if (has_gold) {
            judge(o, &f, &gold);
            put_not_built(o, not_built);
        }
        st = cril_rule_finish(
            o, (const struct cril_str *const[]){&text, &gold, &f.minerva, &f.v1, &f.v2}, 5, err);
    }
    cril_str_free(&f.minerva);
    cril_str_free(&f.v1);
    cril_str_free(&f.v2);
    cril_str_free(&text);
    cril_str_free(&gold);
    return st;
}

static cril_status grade_pair(const json_t *in, struct cril_rule_out *o, cril_error *err)
{
    static const char *const not_built[] = {"lm_eval_0.4.12", "lm_eval_0.4.13", "math_verify",
                                            NULL};
    struct cril_str reference = {0}, candidate = {0};
    cril_status st = cril_rule_read(in, "reference", &reference, NULL, err);

    if (st == CRIL_OK)
        st = cril_rule_read(in, "candidate", &candidate, NULL, err);
    if (st == CRIL_OK) {
        compare(o, cril_str_bytes(&reference), cril_str_bytes(&candidate));
        put_not_built(o, not_built);
        st = cril_rule_finish(o, (const struct cril_str *const[]){&reference, &candidate}, 2, err);
    }
    cril_str_free(&reference);
    cril_str_free(&candidate);
    return st;
}

/* A line has a text, or a pair of answers. */
cril_status cril_rules_math(const json_t *in, json_t *out, cril_error *err)
{
    struct cril_rule_out o = {.out = out};
    const bool pair = json_object_get(in, "reference") || json_object_get(in, "candidate");

    return pair && !json_object_get(in, "text") ? grade_pair(in, &o, err) : grade_text(in, &o, err);
}
