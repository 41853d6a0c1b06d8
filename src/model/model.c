/*
 * A model's life: from a file to a bound model, and what can be said of one.
 */
#include "model/op.h"

#include "formats/inspect.h"
#include "formats/known.h"
#include "tokenizer/tokenizer.h"
#include "util/fail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Types of the matrices, the one with most bytes first. Vectors are F32 in every file. */
static void name_types(cril_model *m)
{
    uint64_t bytes[CRIL_N_DTYPES] = {0};
    size_t n = 0;

    for (size_t i = 0; i < cril_source_tensor_count(m->source); i++) {
        const struct cril_tensor *t = cril_source_tensor(m->source, i);

        if (t->n_dims > 1)
            bytes[t->type] += t->bytes;
    }
    for (;;) {
        size_t max = 0;

        for (size_t k = 1; k < CRIL_N_DTYPES; k++)
            max = bytes[k] > bytes[max] ? k : max;
        if (!bytes[max] || n >= sizeof(m->types))
            return;
        n += (size_t)snprintf(m->types + n, sizeof(m->types) - n, "%s%s", n ? "+" : "",
                              cril_dtypes[max].name);
        bytes[max] = 0;
    }
}

static cril_status find_family(cril_model *m, cril_error *err)
{
    struct cril_bytes name;
    const cril_status st = cril_values_string(m->values, "general.architecture", &name, err);

    if (st != CRIL_OK)
        return st;
    if (!(m->family = cril_family_find(name)))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: architecture \"%.*s\" is not known to cril; 'man cril' lists those "
                         "that are",
                         m->path, CRIL_SHOWN(name));
    m->has = m->family->has;
    return CRIL_OK;
}

/* Of a folder: its class of transformers, whose keys are translated. */
static cril_status find_class(cril_model *m, cril_error *err)
{
    const struct cril_values *const config = m->values;
    const struct cril_value *const names = cril_values_find(config, "architectures");
    struct cril_bytes name = {"", 0};
    cril_status st;

    if (names && names->is_array && names->type == CRIL_VALUE_STRING && names->n)
        name = names->strings[0];
    if (!name.len)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: does not say what the model's class is (architectures); take the "
                         "config.json of the whole model, or add the class, such as "
                         "\"architectures\": [\"LlamaForCausalLM\"]",
                         config->path);
    if (!(m->family = cril_family_of_class(name, &m->folder_class)))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: the model's class, \"%.*s\" (architectures), is not known to cril; "
                         "'man cril' lists those that are%s",
                         config->path, CRIL_SHOWN(name),
                         cril_values_has(config, "auto_map.AutoModelForCausalLM")
                             ? "; its own code (auto_map) is not run"
                             : "");
    struct cril_translation t = {
        .config = config, .out = &m->translated, .architecture = m->family->architecture};
    m->translated.path = config->path;
    if ((st = cril_values_add_text(t.out, "general.architecture", t.architecture,
                                   strlen(t.architecture), err)) != CRIL_OK ||
        (st = cril_translate(m->folder_class, &t, err)) != CRIL_OK)
        return st;
    m->values = &m->translated;
    m->ties = t.ties;
    m->said_vocab = t.n_vocab;
    m->more_layers = t.more_layers;
    m->has = t.has;
    m->lacks = ~t.has;
    return CRIL_OK;
}

/* Of m->source. */
static cril_status load(cril_model *m, cril_error *err)
{
    const char *const path = cril_source_path(m->source);
    const size_t n_tensors = cril_source_tensor_count(m->source);
    cril_status st;
    if (!(m->path = strdup(path)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    if ((st = cril_source_is_folder(m->source) ? find_class(m, err) : find_family(m, err)) !=
        CRIL_OK)
        return st;
    if (!(m->name = cril_source_name(m->source)) ||
        !(m->used = calloc(n_tensors + 1, sizeof(bool))) ||
        !(m->weights = calloc(n_tensors + 1, sizeof(*m->weights))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    name_types(m);
    if ((st = cril_model_configure(m, err)) != CRIL_OK)
        return st;
    if (!(m->layers = calloc(m->config.n_layers + 1, sizeof(*m->layers))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    cril_model_equal_layers(m);
    if ((st = m->family->configure(m, err)) != CRIL_OK ||
        (st = cril_model_check_keys(m, err)) != CRIL_OK ||
        (st = cril_tokenizer_create(m->source, &m->tokenizer, err)) != CRIL_OK)
        return st;
    return cril_model_bind(m, err);
}

cril_model *cril_model_create(void)
{
    cril_model *m = calloc(1, sizeof(*m));

    if (m && pthread_mutex_init(&m->hashes, NULL) != 0) {
        free(m);
        m = NULL;
    }
    return m;
}

/* Takes source over, also on failure. */
static cril_status open_file(struct cril_source *source, cril_model **out, cril_error *err)
{
    cril_model *m = cril_model_create();
    cril_status st;

    if (!m) {
        st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", cril_source_path(source));
        cril_source_close(source);
        return st;
    }
    m->source = source;
    m->values = cril_source_values(source);
    if ((st = load(m, err)) != CRIL_OK) {
        cril_model_close(m);
        return st;
    }
    *out = m;
    return CRIL_OK;
}

cril_status cril_model_open(const char *path, cril_model **out, cril_error *err)
{
    if (CRIL_LACKS(err, path, out))
        return CRIL_ERR_RANGE;

    struct cril_source *source;
    const cril_status st = cril_source_open(path, &source, err);

    return st == CRIL_OK ? open_file(source, out, err) : st;
}

cril_status cril_model_open_inspected(const cril_inspect *f, cril_model **out, cril_error *err)
{
    return CRIL_LACKS(err, f, out) ? CRIL_ERR_RANGE
                                   : open_file(cril_source_share(cril_inspect_source(f)), out, err);
}

void cril_model_close(cril_model *m)
{
    if (!m)
        return;
    for (size_t i = 0; m->layers && i <= m->config.n_layers; i++)
        for (int s = 0; s < CRIL_N_SLOTS; s++) {
            free(m->layers[i].vector[s]);
            free(m->layers[i].experts[s]);
        }
    free(m->slopes);
    for (size_t i = 0; i < CRIL_MAX_ROPES; i++) {
        free(m->rope[i].freq);
        free(m->rope[i].long_freq);
    }
    for (size_t i = 0; i < m->n_weights; i++)
        free(m->weights[i].name);
    free(m->weights);
    cril_values_free(&m->translated);
    cril_tokenizer_free(m->tokenizer);
    cril_warnings_clear(&m->warnings);
    cril_source_close(m->source);
    free(m->layers);
    free(m->used);
    free(m->path);
    free(m->name);
    pthread_mutex_destroy(&m->hashes);
    free(m);
}

cril_status cril_model_check(const cril_model *m, cril_error *err)
{
    if (CRIL_LACKS(err, m))
        return CRIL_ERR_RANGE;
    return m->source ? cril_source_check(m->source, err) : CRIL_OK; /* a built-in one has none */
}

cril_status cril_model_files(const char *path, int (*on_file)(void *user, const char *file),
                             void *user, cril_error *err)
{
    if (CRIL_LACKS(err, path, on_file))
        return CRIL_ERR_RANGE;
    return cril_source_each_file(path, on_file, user, err);
}

const char *cril_model_path(const cril_model *m)
{
    return m ? m->path : NULL;
}

const char *cril_model_name(const cril_model *m)
{
    return m ? m->name : NULL;
}

const char *cril_model_types(const cril_model *m)
{
    return m ? m->types : NULL;
}

const char *cril_model_architecture(const cril_model *m)
{
    return m ? m->family->architecture : NULL;
}

uint64_t cril_model_parameters(const cril_model *m)
{
    return m ? m->parameters : 0;
}

uint64_t cril_model_weight_bytes(const cril_model *m)
{
    return m ? m->weight_bytes : 0;
}

uint64_t cril_model_bytes(const cril_model *m)
{
    uint64_t bytes = 0;

    for (size_t i = 0; m && i < cril_source_files(m->source); i++) {
        size_t len;

        cril_source_file(m->source, i, &len);
        bytes += len;
    }
    return bytes;
}

size_t cril_model_context(const cril_model *m)
{
    return m ? m->config.n_ctx : 0;
}

/* Learned positions end with their table. */
static bool learns_positions(const cril_model *m)
{
    const struct cril_steps *const list = &m->family->embedding;

    for (size_t i = 0; i < list->n; i++)
        if (list->step[i].op == &cril_op_position)
            return true;
    return false;
}

size_t cril_model_max_window(const cril_model *m)
{
    if (!m)
        return 0;
    return learns_positions(m) ? m->config.n_ctx : cril_rope_max_window(m);
}

bool cril_model_warn_context(const cril_model *m, size_t context, char *sentence, size_t size)
{
    if (!m || !sentence || !size || context <= m->config.n_ctx ||
        context > cril_model_max_window(m))
        return false;
    snprintf(sentence, size,
             "%s: was made for a context of at most %zu tokens; windows of %zu are beyond what it "
             "was trained on",
             m->path, m->config.n_ctx, context);
    return true;
}

bool cril_model_depends_on_length(const cril_model *m)
{
    for (size_t i = 0; i < CRIL_MAX_ROPES; i++)
        if (m->rope[i].limit)
            return true;
    return false;
}

size_t cril_model_logits(const cril_model *m)
{
    return m ? m->n_vocab : 0;
}

const char *cril_model_warning(const cril_model *m, size_t i)
{
    if (!m)
        return NULL;

    return i < m->warnings.n ? m->warnings.sentence[i]
                             : cril_tokenizer_warning(m->tokenizer, i - m->warnings.n);
}

const char *cril_model_cannot_say(const cril_model *m)
{
    return m && !m->folder_class ? m->family->cannot_say : NULL;
}

/* A class reads the keys that it reads, and no others. */
static const char *reason_in_folder(const struct cril_values *config, size_t i)
{
    return config->use[i].read ? NULL
                               : "is not among the keys that the model's class computes with";
}

bool cril_model_unused(const cril_model *m, size_t i, const char **key, size_t *len,
                       const char **reason)
{
    if (!m || !key || !len || !reason)
        return false;

    const struct cril_values *const values = cril_source_values(m->source);

    for (size_t k = 0; k < values->n; k++) {
        const struct cril_value *kv = &values->values[k];

        *reason = m->folder_class ? reason_in_folder(values, k) : cril_known_reason(values, k);
        if (!*reason || i--)
            continue;
        *key = kv->key.data;
        *len = kv->key.len;
        return true;
    }
    return false;
}

const cril_tokenizer *cril_model_tokenizer(const cril_model *m)
{
    return m ? m->tokenizer : NULL;
}
