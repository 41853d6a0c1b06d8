/* The rules of a corpus: see rules.h. */
#include "gather/rules.h"

#include "util/fail.h"
#include "util/nearest.h"

#include <string.h>

/* ---- from options ---- */

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool cril_is_day(const char *text)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char form[] = "0000-00-00";
    unsigned part[3] = {0};

    for (size_t i = 0, k = 0; i < sizeof(form); i++) {
        if (form[i] == '0') {
            if (text[i] < '0' || text[i] > '9')
                return false;
            part[k] = 10 * part[k] + (unsigned)(text[i] - '0');
        } else if (text[i] != form[i]) {
            return false;
        } else {
            k++;
        }
    }
    return part[1] >= 1 && part[1] <= 12 && part[2] >= 1 &&
           part[2] <= days[part[1] - 1] + (part[1] == 2 && is_leap(part[0]));
}

static cril_status check_day(const char *day, const char *what, cril_error *err)
{
    return !day || cril_is_day(day)
               ? CRIL_OK
               : cril_fail(err, CRIL_ERR_RANGE, "%s '%.40s' is no day such as 2026-06-01", what,
                           day);
}

static bool is_listed(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], name) == 0)
            return true;
    }
    return false;
}

/* Each name is a step that the kind may have. */
static cril_status check_steps(const struct cril_input_kind *kind, const char *const *list,
                               size_t n, cril_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct cril_step *s = cril_step_find(list[i]);

        if (!s)
            return cril_fail(err, CRIL_ERR_RANGE,
                             "there is no step '%.40s'; 'cril corpus %s --help' lists them",
                             list[i], kind->name);
        if (!(s->kinds & kind->step_kind))
            return cril_fail(err, CRIL_ERR_RANGE, "the step %s is not for %s", s->name, kind->name);
    }
    return CRIL_OK;
}

static cril_status choose_steps(const cril_gather_options *o, struct cril_rules *r, cril_error *err)
{
    size_t n;
    const struct cril_step *const *all = cril_steps(&n);
    cril_status st = check_steps(r->kind, o->with, o->n_with, err);

    if (st != CRIL_OK || (st = check_steps(r->kind, o->without, o->n_without, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < n; i++) {
        const bool with = is_listed(o->with, o->n_with, all[i]->name) ||
                          (all[i] == &cril_step_language && o->n_languages &&
                           (all[i]->kinds & r->kind->step_kind)),
                   without = is_listed(o->without, o->n_without, all[i]->name);

        if (with && without)
            return cril_fail(err, CRIL_ERR_RANGE, "the step %s is both wanted and left out",
                             all[i]->name);
        if (without || (!with && !(all[i]->on & r->kind->step_kind)))
            continue;
        if (r->n_steps == CRIL_RULES_STEPS)
            return cril_fail(err, CRIL_ERR_RANGE, "there are too many steps");
        r->steps[r->n_steps++] = all[i];
    }
    return CRIL_OK;
}

static cril_status check_wiki(const cril_gather_options *o, const struct cril_rules *r,
                              cril_error *err)
{
    if (r->kind->step_kind == CRIL_STEP_WIKI) {
        if ((r->after || r->before) && !o->n_created)
            return cril_fail(err, CRIL_ERR_RANGE,
                             "a dump of current pages does not say when they were created; give "
                             "the wiki's history (--created stub-meta-history.xml.gz), or the "
                             "first page that counts (--min-page-id)");
        return CRIL_OK;
    }
    return o->n_created || o->min_page_id
               ? cril_fail(err, CRIL_ERR_RANGE, "only pages of a wiki have histories and ids")
               : CRIL_OK;
}

/* What is in the rules r, once they have found their place. */
static void settle(struct cril_rules *r)
{
    r->step_options.languages = r->languages;
}

static cril_status copy_languages(const cril_gather_options *o, struct cril_rules *r,
                                  cril_error *err)
{
    if (o->n_languages > CRIL_RULES_LANGUAGES)
        return cril_fail(err, CRIL_ERR_RANGE, "there are %zu languages; name %d at most",
                         o->n_languages, CRIL_RULES_LANGUAGES);
    for (size_t i = 0; i < o->n_languages; i++)
        r->languages[i] = o->languages[i];
    r->step_options.n_languages = o->n_languages;
    return CRIL_OK;
}

cril_status cril_rules_read(const cril_gather_options *o, struct cril_rules *out, cril_error *err)
{
    struct cril_rules r = {
        .kind = cril_input_kind_find(o->kind),
        .after = o->after,
        .before = o->before,
        .step_options = {.min_characters = o->min_characters ? o->min_characters : 1,
                         .max_characters =
                             o->max_characters ? o->max_characters : CRIL_RULES_CHARACTERS},
        .min_page_id = o->min_page_id,
    };
    cril_status st;

    if (!r.kind)
        return cril_fail(err, CRIL_ERR_RANGE, "there is no kind of source '%.40s'",
                         o->kind ? o->kind : "");
    if ((st = check_day(r.after, "--after", err)) != CRIL_OK ||
        (st = check_day(r.before, "--before", err)) != CRIL_OK)
        return st;
    if (r.after && r.before && strcmp(r.after, r.before) >= 0)
        return cril_fail(err, CRIL_ERR_RANGE, "no day is %s or later and before %s", r.after,
                         r.before);
    if (r.step_options.min_characters > r.step_options.max_characters)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "the smallest document is above the largest, %llu "
                         "characters",
                         (unsigned long long)r.step_options.max_characters);
    if ((st = check_wiki(o, &r, err)) != CRIL_OK || (st = copy_languages(o, &r, err)) != CRIL_OK ||
        (st = choose_steps(o, &r, err)) != CRIL_OK)
        return st;
    *out = r;
    settle(out);
    return CRIL_OK;
}

/* ---- from and to a card ---- */

json_t *cril_rules_json(const struct cril_rules *r)
{
    json_t *steps = json_array(), *languages = json_array();
    bool good = true;

    for (size_t i = 0; i < r->n_steps; i++)
        good &= !json_array_append_new(steps, json_string(r->steps[i]->name));
    for (size_t i = 0; i < r->step_options.n_languages; i++)
        good &= !json_array_append_new(languages, json_string(r->languages[i]));
    if (!good) {
        json_decref(languages);
        json_decref(steps);
        return NULL;
    }
    return json_pack("{s:s, s:s?, s:s?, s:o, s:I, s:I, s:I, s:o}", "kind", r->kind->name, "after",
                     r->after, "before", r->before, "languages", languages, "min_characters",
                     (json_int_t)r->step_options.min_characters, "max_characters",
                     (json_int_t)r->step_options.max_characters, "min_page_id",
                     (json_int_t)r->min_page_id, "steps", steps);
}

static uint64_t whole(const json_t *rules, const char *key)
{
    const json_int_t v = json_integer_value(json_object_get(rules, key));

    return v > 0 ? (uint64_t)v : 0;
}

cril_status cril_rules_of_json(const json_t *rules, struct cril_rules *out, cril_error *err)
{
    const json_t *steps = json_object_get(rules, "steps"),
                 *languages = json_object_get(rules, "languages");
    struct cril_rules r = {
        .kind = cril_input_kind_find(json_string_value(json_object_get(rules, "kind"))),
        .after = json_string_value(json_object_get(rules, "after")),
        .before = json_string_value(json_object_get(rules, "before")),
        .step_options = {.min_characters = whole(rules, "min_characters"),
                         .max_characters = whole(rules, "max_characters")},
        .min_page_id = whole(rules, "min_page_id"),
        .n_steps = json_array_size(steps),
    };

    r.step_options.n_languages = json_array_size(languages);
    if (!r.kind || r.n_steps > CRIL_RULES_STEPS ||
        r.step_options.n_languages > CRIL_RULES_LANGUAGES)
        return cril_fail(err, CRIL_ERR_FORMAT, "a card's rules cannot be read");
    for (size_t i = 0; i < r.step_options.n_languages; i++) {
        if (!(r.languages[i] = json_string_value(json_array_get(languages, i))))
            return cril_fail(err, CRIL_ERR_FORMAT, "a card's rules cannot be read");
    }
    for (size_t i = 0; i < r.n_steps; i++) {
        const char *name = json_string_value(json_array_get(steps, i));

        if (!name || !(r.steps[i] = cril_step_find(name)))
            return cril_fail(err, CRIL_ERR_MISMATCH,
                             "a card has a step '%.40s', which this "
                             "version lacks",
                             name ? name : "");
    }
    *out = r;
    settle(out);
    return CRIL_OK;
}
