#include "tasks/item_lines.h"

#include "util/number.h"
#include "util/utf8.h"

#include <cril/number.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Values ---- */

static bool set(json_t *o, const char *key, json_t *v)
{
    return o && !json_object_set_new(o, key, v);
}

/* Ill-formed bytes become U+FFFD, as Python's decoder makes them. */
static json_t *text_json(struct cril_bytes text)
{
    char *repaired = NULL;
    size_t len;
    json_t *v = NULL;

    if (cril_utf8_repair(text.len ? text.data : "", text.len, &repaired, &len, NULL) == CRIL_OK)
        v = json_stringn(repaired ? repaired : text.len ? text.data : "", len);
    free(repaired);
    return v;
}

static json_t *ids_json(const int32_t *ids, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, json_integer(ids[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

bool cril_line_set_text(json_t *line, const char *key, const char *text, size_t len)
{
    return set(line, key, text_json((struct cril_bytes){text, len}));
}

/* ---- Parts ---- */

json_t *cril_line_begin(const struct cril_evaluation *e, const struct cril_item *item)
{
    json_t *line = json_object();
    const char *subject = item->subject ? item->subject : "";
    const char *metric = e->settings.protocol.metric;

    if (cril_line_set_text(line, "task", e->name, strlen(e->name)) &&
        cril_line_set_text(line, "subject", subject, strlen(subject)) &&
        cril_line_set_text(line, "protocol", e->settings.name, strlen(e->settings.name)) &&
        set(line, "index", json_integer((json_int_t)item->index)) &&
        (!item->id || cril_line_set_text(line, "id", item->id, strlen(item->id))) &&
        (!metric || !*metric || set(line, "metric", json_string(metric))))
        return line;
    json_decref(line);
    return NULL;
}

bool cril_line_add_prompt(json_t *line, const struct cril_item *item, const int32_t *ids, size_t n,
                          size_t cut)
{
    return set(line, "prompt", text_json(item->context)) &&
           set(line, "prompt_ids", ids_json(ids, n)) &&
           (!cut || set(line, "cut", json_integer((json_int_t)cut)));
}

/* The right choice; of a generation what it is compared with, or the reference program. */
static json_t *gold_json(const struct cril_item *item)
{
    json_t *answer = json_object_get(item->answers, "gold");

    if (item->kind == CRIL_ITEM_CHOICES)
        return item->gold >= 0 ? json_integer(item->gold) : json_null();
    if (!answer)
        answer = json_object_get(item->answers, "references");
    if (answer)
        return json_incref(answer);
    return item->gold_text.data ? text_json(item->gold_text) : json_null();
}

bool cril_line_add_gold(json_t *line, const struct cril_item *item)
{
    return set(line, "gold", gold_json(item));
}

bool cril_line_add_choice(json_t *line, const struct cril_item_choice *c, const int32_t *prompt_ids,
                          size_t n_prompt, const int32_t *ids, size_t n, size_t cut, double nats)
{
    json_t *list = json_object_get(line, "choices"), *choice = json_object();
    bool good = choice && (list || set(line, "choices", json_array()));

    list = json_object_get(line, "choices");
    good = good && set(choice, "text", text_json(c->text)) &&
           (!c->context.data || (set(choice, "prompt", text_json(c->context)) &&
                                 set(choice, "prompt_ids", ids_json(prompt_ids, n_prompt)))) &&
           set(choice, "ids", ids_json(ids, n)) &&
           (!cut || set(choice, "cut", json_integer((json_int_t)cut))) &&
           (isnan(nats) || set(choice, "nats", json_real(nats))) &&
           (isnan(c->reference_nats) || isnan(nats) ||
            set(choice, "reference_nats", json_real(c->reference_nats)));
    return !json_array_append_new(list, good ? choice : (json_decref(choice), NULL));
}

size_t cril_choice_of_sums(const double *nats, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (nats[i] < nats[best])
            best = i;
    return best;
}

/* A choice of no characters has no mean and loses against any that has. */
static double mean(double nats, size_t characters)
{
    return characters ? nats / (double)characters : INFINITY;
}

size_t cril_choice_of_means(const double *nats, const struct cril_item_choice *choices, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (mean(nats[i], choices[i].characters) < mean(nats[best], choices[best].characters))
            best = i;
    return best;
}

bool cril_line_add_answer(json_t *line, const struct cril_item *item, const double *nats,
                          const char *metric)
{
    const size_t by_sum = cril_choice_of_sums(nats, item->n_choices);
    const size_t by_mean = cril_choice_of_means(nats, item->choices, item->n_choices);
    const bool norm = metric && strcmp(metric, "acc_norm") == 0, known = item->gold >= 0;

    return set(line, "answer", json_integer((json_int_t)(norm ? by_mean : by_sum))) &&
           set(line, "acc", known ? json_integer(by_sum == (size_t)item->gold) : json_null()) &&
           set(line, "acc_norm", known ? json_integer(by_mean == (size_t)item->gold) : json_null());
}

bool cril_line_add_greedy(json_t *line, bool greedy)
{
    json_t *choice = json_array_get(json_object_get(line, "choices"), 0);

    return set(choice, "greedy", json_boolean(greedy)) && set(line, "acc", json_integer(greedy));
}

bool cril_line_add_stops(json_t *line, const struct cril_item *item)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < item->n_until; i++)
        if (json_array_append_new(list, text_json(item->until[i]))) {
            json_decref(list);
            return false;
        }
    return set(line, "until", list) &&
           set(line, "max_tokens", json_integer((json_int_t)item->max_tokens));
}

bool cril_line_add_generation(json_t *line, const struct cril_item *item, const cril_generation *g)
{
    static const char *const ends[] = {[CRIL_GENERATION_STOP] = "stop",
                                       [CRIL_GENERATION_EOS] = "eos",
                                       [CRIL_GENERATION_LIMIT] = "limit",
                                       [CRIL_GENERATION_FULL] = "full"};

    return set(line, "ids", ids_json(g->ids, g->n)) &&
           cril_line_set_text(line, "text", g->text, g->len) &&
           set(line, "end", json_string(ends[g->end])) &&
           (!item->reference_text.data ||
            set(line, "reference_text", text_json(item->reference_text)));
}

bool cril_line_add_rolling(json_t *line, const struct cril_item *item, size_t n_tokens, double nats)
{
    const double reference = item->n_choices ? item->choices[0].reference_nats : NAN;

    return set(line, "tokens", json_integer((json_int_t)n_tokens)) &&
           set(line, "nats", json_real(nats)) &&
           (isnan(reference) || set(line, "reference_nats", json_real(reference)));
}

bool cril_line_add_gold_bits(json_t *line, double nats, size_t bytes)
{
    return set(line, "gold_nats", json_real(nats)) &&
           set(line, "gold_bytes", json_integer((json_int_t)bytes));
}

/* ---- Reading ---- */

bool cril_line_place(const json_t *line, const char **subject, uint64_t *index)
{
    const json_t *at = json_object_get(line, "index");

    *subject = json_string_value(json_object_get(line, "subject"));
    *index = (uint64_t)json_integer_value(at);
    return *subject && json_is_integer(at) && json_integer_value(at) >= 0;
}

/* An item of which no right answer is known has no value; one that was not run or cannot be judged
 * is wrong. */
static double read_value(const json_t *line, const char *metric, struct cril_line_figures *out)
{
    const json_t *v = json_object_get(line, metric);
    const bool has_gold = !json_is_null(json_object_get(line, "gold"));

    if (out->is_error)
        return has_gold ? 0 : NAN;
    out->is_unjudged = json_is_null(v) && has_gold;
    if (!v || (json_is_null(v) && !has_gold))
        return NAN;
    return json_is_true(v) ? 1 : json_number_value(v);
}

const char *cril_line_figures_read(const json_t *line, const char *metric,
                                   struct cril_line_figures *out)
{
    const json_t *nats = json_object_get(line, "gold_nats");
    const json_int_t bytes = json_integer_value(json_object_get(line, "gold_bytes"));

    *out = (struct cril_line_figures){
        .value = NAN, .nats = NAN, .is_error = json_object_get(line, "error") != NULL};
    if (metric && *metric)
        out->value = read_value(line, metric, out);
    if (out->value < 0 || isinf(out->value))
        return "has a verdict that is no share";
    if (!nats)
        return NULL;
    if (!json_is_number(nats) || bytes < 1)
        return "has \"gold_nats\" that are no number, or without \"gold_bytes\"";
    out->nats = json_number_value(nats);
    out->bytes = (uint64_t)bytes;
    return NULL;
}

/* ---- Printing ---- */

char *cril_line_print(const json_t *line, size_t *len)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);
    cril_json_filter filter = {.file = f};
    locale_t before;
    int bad;

    if (!f)
        return NULL;
    before = cril_c_locale_begin();
    bad = json_dump_callback(line, cril_json_filter_put, &filter, 0);
    cril_c_locale_end(before);
    if (fclose(f) == 0 && !bad)
        return text;
    free(text);
    return NULL;
}
