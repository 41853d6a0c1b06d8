/* Cards: see card.h. */
#include "gather/card.h"

#include "gather/command.h"
#include "util/fail.h"

#include <cril/status.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static json_t *step_json(const struct cril_flow_step *s)
{
    const struct cril_step *step = s->run.step;
    const struct cril_step_count *c = &s->count;
    const size_t n = cril_step_reasons(step);
    json_t *reasons = json_object(), *o;

    for (size_t i = 0; i < n; i++)
        json_object_set_new(reasons, step->reasons[i], json_integer((json_int_t)c->by[i]));
    o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:O}", "name", step->name, "what",
                  step->what, "in", (json_int_t)c->in, "out", (json_int_t)c->out, "changed",
                  (json_int_t)c->changed, "bytes_in", (json_int_t)c->bytes_in, "bytes_out",
                  (json_int_t)c->bytes_out, "reasons", reasons);
    if (json_object_size(reasons) != n) { /* what is missing there had no memory */
        json_decref(o);
        o = NULL;
    }
    json_decref(reasons);
    return o;
}

json_t *cril_card_steps(const struct cril_flow_step *steps, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, step_json(&steps[i]));
    if (json_array_size(list) == n)
        return list;
    json_decref(list);
    return NULL;
}

/* Into memory of the right size: a dump that grows may lose a byte where memory ends (jansson 2.14
 * does not look at what writing a key returns). */
static char *dump(const json_t *root)
{
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(9),
                 len = json_dumpb(root, NULL, 0, flags);
    char *text = len ? malloc(len + 1) : NULL;

    if (text && json_dumpb(root, text, len, flags) == len) {
        text[len] = '\0';
        return text;
    }
    free(text);
    return NULL;
}

char *cril_card_text(struct cril_card *card)
{
    char *text = NULL;
    json_t *command = cril_command_json(card),
           *root =
               json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "card",
                         CRIL_CARD_VERSION, "cril", cril_version(), "zstd", ZSTD_versionString(),
                         "libexttextcat", cril_language_version(), "command", command, "corpus",
                         card->corpus, "rules", card->rules, "source", card->source, "selection",
                         card->selection, "steps", card->steps);
    bool good = root != NULL;

    card->corpus = card->rules = card->source = card->selection = card->steps = NULL;
    if (good && card->n_shards)
        good = !json_object_set_new(
            root, "shard",
            json_pack("{s:i, s:i}", "shard", (int)card->shard, "of", (int)card->n_shards));
    if (good)
        text = dump(root);
    json_decref(root);
    return text;
}

/* ---- shards ---- */

void cril_card_free(struct cril_card *card)
{
    json_decref(card->rules);
    json_decref(card->source);
    json_decref(card->selection);
    json_decref(card->steps);
    json_decref(card->corpus);
    *card = (struct cril_card){0};
}

static unsigned small(const json_t *o, const char *key)
{
    const json_int_t v = json_integer_value(json_object_get(o, key));

    return v > 0 && v <= UINT16_MAX ? (unsigned)v : 0;
}

cril_status cril_card_parse(const char *name, const char *text, json_t **out, cril_error *err)
{
    json_error_t where;
    json_t *root = json_loads(text, 0, &where);

    if (small(root, "card") == CRIL_CARD_VERSION) {
        *out = root;
        return CRIL_OK;
    }
    json_decref(root);
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: its card is none that this version reads", name);
}

cril_status cril_card_read(const char *name, const char *text, struct cril_card *out,
                           cril_error *err)
{
    json_t *root, *shard;
    const char *version;
    cril_status st = cril_card_parse(name, text, &root, err);

    *out = (struct cril_card){0};
    if (st != CRIL_OK)
        return st;
    shard = json_object_get(root, "shard");
    version = json_string_value(json_object_get(root, "cril"));
    if (!version)
        st = cril_fail(err, CRIL_ERR_FORMAT, "%s: its card does not say who made it", name);
    else if (strcmp(version, cril_version()) != 0)
        st = cril_fail(err, CRIL_ERR_MISMATCH,
                       "%s: is by cril %.20s, this is %s; make it again with one version", name,
                       version, cril_version());
    else
        *out = (struct cril_card){.rules = json_incref(json_object_get(root, "rules")),
                                  .source = json_incref(json_object_get(root, "source")),
                                  .selection = json_incref(json_object_get(root, "selection")),
                                  .steps = json_incref(json_object_get(root, "steps")),
                                  .corpus = json_incref(json_object_get(root, "corpus")),
                                  .shard = small(shard, "shard"),
                                  .n_shards = small(shard, "of")};
    json_decref(root);
    return st;
}

/* Whole numbers are added, in objects and in arrays of one length; all else stays. */
static bool add(json_t *sum, const json_t *more);

static bool add_member(json_t *sum, const char *key, json_t *more)
{
    json_t *there = json_object_get(sum, key);

    return there ? add(there, more) : !json_object_set_new(sum, key, json_deep_copy(more));
}

static bool add(json_t *sum, const json_t *more)
{
    if (!sum || !more || json_typeof(sum) != json_typeof(more))
        return false;
    if (json_is_integer(sum))
        return !json_integer_set(sum, json_integer_value(sum) + json_integer_value(more));
    if (json_is_object(sum)) {
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)more, key, value)
        {
            if (!add_member(sum, key, value))
                return false;
        }
    }
    if (json_is_array(sum)) {
        if (json_array_size(sum) != json_array_size(more))
            return false;
        for (size_t i = 0; i < json_array_size(sum); i++) {
            if (!add(json_array_get(sum, i), json_array_get(more, i)))
                return false;
        }
    }
    return true;
}

bool cril_card_add(struct cril_card *sum, const struct cril_card *more)
{
    json_t *inputs = json_object_get(sum->source, "inputs"),
           *left_out = json_object_get(sum->source, "left_out");

    return inputs && !json_array_extend(inputs, json_object_get(more->source, "inputs")) &&
           add(left_out, json_object_get(more->source, "left_out")) &&
           add(sum->selection, more->selection) && add(sum->steps, more->steps);
}
