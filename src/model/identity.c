/*
 * Which model this is: a SHA-256 of its files (formats/file_hash.c), and one of what decides over
 * its results.
 *
 * The identity is the hash of this, where numbers are little-endian and a text is its length (u64)
 * and its bytes:
 *
 *   "cril model 1\n"
 *   for each key that decides, in bytewise order of the keys:
 *     text  key
 *     u8    1: an array, 0: a scalar
 *     u32   GGUF's number of the value's type, or of the elements'
 *     u64   elements; 1 for a scalar
 *     the values: texts, or numbers as the file has them
 *   u64     tensors
 *   for each tensor, in bytewise order of the names:
 *     text  name
 *     u32   GGUF's number of the type
 *     u32   dimensions
 *     u64   elements of each dimension, the one that runs fastest first
 *     u64   bytes of data, and these
 *
 * The keys that decide are general.architecture, those of the architecture ("llama." and so on),
 * and those of the tokenizer's tables ("tokenizer.ggml."). Every item says where it ends, and a
 * key's first bytes, read as the length of a tensor's name, exceed any file; so files that differ
 * in what cril reads of them never hash the same bytes.
 *
 * A folder has the keys and tensors that its GGUF file would hold, the tokenizer's tables too
 * (tokenizer/gguf_tables.h), and no more: a normaliser that a GGUF cannot say does not count. Where
 * cril does not know these tables, or the folder cuts the weights into other tensors than a GGUF
 * does, "cril folder 1\n" stands in front, and what its files say of the tokenizer
 * (identity_tokenizer.c) behind; in the latter case tensors have the folder's names and numbers.
 */
#include "model/identity.h"
#include "model/model.h"
#include "tokenizer/gguf_tables.h"
#include "tokenizer/tokenizer.h"
#include "util/fail.h"
#include "util/memory.h"

#include <stdlib.h>
#include <string.h>

static void begin(struct cril_hashing *h, cril_error *err)
{
    *h = (struct cril_hashing){.err = err};
    h->st = cril_sha256_create(&h->hash, err);
}

void cril_identity_bytes(struct cril_hashing *h, const void *data, size_t n)
{
    if (h->st == CRIL_OK)
        h->st = cril_sha256_update(h->hash, data, n, h->err);
}

void cril_identity_number(struct cril_hashing *h, uint64_t v, unsigned bytes)
{
    uint8_t b[8];

    for (unsigned i = 0; i < bytes; i++)
        b[i] = (uint8_t)(v >> (8 * i));
    cril_identity_bytes(h, b, bytes);
}

void cril_identity_text(struct cril_hashing *h, const char *data, size_t len)
{
    cril_identity_number(h, len, 8);
    cril_identity_bytes(h, data, len);
}

/* Writes the hash where all went well; h is then gone. */
static cril_status finish(struct cril_hashing *h, char hex[65])
{
    char made[65];

    if (h->st == CRIL_OK)
        h->st = cril_sha256_final(h->hash, made, h->err);
    if (h->st == CRIL_OK)
        memcpy(hex, made, sizeof(made));
    cril_sha256_free(h->hash);
    return h->st;
}

static bool decides(const cril_model *m, struct cril_bytes key)
{
    const char *const prefix = m->family->architecture;
    const size_t len = strlen(prefix);

    return cril_bytes_are(key, "general.architecture") ||
           cril_bytes_start_with(key, "tokenizer.ggml.") ||
           (cril_bytes_start_with(key, prefix) && key.len > len && key.data[len] == '.');
}

static int compare_keys(const void *a, const void *b)
{
    return cril_bytes_compare((*(const struct cril_value *const *)a)->key,
                              (*(const struct cril_value *const *)b)->key);
}

static int compare_names(const void *a, const void *b)
{
    const struct cril_weight *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void add_value(struct cril_hashing *h, const struct cril_value *kv)
{
    cril_identity_text(h, kv->key.data, kv->key.len);
    cril_identity_number(h, kv->is_array, 1);
    cril_identity_number(h, kv->type, 4);
    cril_identity_number(h, kv->n, 8);
    if (kv->type != CRIL_VALUE_STRING)
        cril_identity_bytes(h, kv->data, cril_value_bytes(kv));
    else
        for (uint64_t i = 0; i < kv->n; i++)
            cril_identity_text(h, kv->strings[i].data, kv->strings[i].len);
}

/* tables: more keys, sorted among the model's; of a folder. */
static cril_status add_metadata(struct cril_hashing *h, const cril_model *m,
                                const struct cril_values *tables)
{
    const struct cril_values *const from[] = {m->values, tables};
    const struct cril_value **chosen =
        malloc((m->values->n + tables->n + 1) * sizeof(*chosen)); /* the reader has larger ones */
    size_t n_chosen = 0;

    if (!chosen)
        return cril_fail(h->err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < from[k]->n; i++)
            if (decides(m, from[k]->values[i].key))
                chosen[n_chosen++] = &from[k]->values[i];
    qsort(chosen, n_chosen, sizeof(*chosen), compare_keys);
    for (size_t i = 0; i < n_chosen; i++)
        add_value(h, chosen[i]);
    free(chosen);
    return h->st;
}

static void add_mapped(struct cril_hashing *h, const struct cril_tensor *t)
{
    if (h->st == CRIL_OK)
        h->st = cril_sha256_update_mapped(h->hash, t->data, (size_t)t->bytes, h->err);
}

/* A vector of a folder, as the numbers of 32 bits that a GGUF has. */
static void add_vector(struct cril_hashing *h, const cril_model *m, const struct cril_weight *w)
{
    const size_t n = (size_t)w->tensor->ne[0];
    float *v = malloc(n * sizeof(*v));

    if (!v) {
        h->st = cril_fail(h->err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
        return;
    }
    cril_weight_load_vector(m, w->row, w->tensor, v);
    cril_identity_number(h, n * sizeof(*v), 8);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;

        memcpy(&bits, &v[i], sizeof(bits));
        cril_identity_number(h, bits, 4);
    }
    free(v);
}

/* A matrix of a folder, its rows in the order of a GGUF. */
static void add_matrix(struct cril_hashing *h, const cril_model *m, const struct cril_weight *w)
{
    const struct cril_matrix matrix = cril_weight_matrix(m, w->row, w->tensor);

    cril_identity_number(h, w->tensor->bytes, 8);
    if (!matrix.interleaved) {
        add_mapped(h, w->tensor);
        return;
    }
    for (size_t r = 0; r < matrix.rows; r++)
        cril_identity_bytes(h, cril_matrix_row(&matrix, r), matrix.row_bytes);
    cril_pages_release(w->tensor->data, (size_t)w->tensor->bytes);
}

static void add_weight(struct cril_hashing *h, const cril_model *m, const struct cril_weight *w)
{
    const struct cril_tensor *const t = w->tensor;
    const bool is_converted = m->folder_class && !m->regrouped,
               is_vector = is_converted && t->n_dims == 1;

    cril_identity_text(h, w->name, strlen(w->name));
    cril_identity_number(h, cril_dtypes[is_vector ? CRIL_F32 : t->type].gguf_id, 4);
    cril_identity_number(h, t->n_dims, 4);
    for (unsigned k = 0; k < t->n_dims; k++)
        cril_identity_number(h, t->ne[k], 8);
    if (is_vector) {
        add_vector(h, m, w);
    } else if (is_converted) {
        add_matrix(h, m, w);
    } else {
        cril_identity_number(h, t->bytes, 8);
        add_mapped(h, t);
    }
}

static cril_status add_tensors(struct cril_hashing *h, const cril_model *m)
{
    const size_t n = m->n_weights;
    const struct cril_weight **sorted = malloc((n + 1) * sizeof(*sorted));

    if (!sorted)
        return cril_fail(h->err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &m->weights[i];
    qsort(sorted, n, sizeof(*sorted), compare_names);
    cril_identity_number(h, n, 8);
    for (size_t i = 0; i < n; i++)
        add_weight(h, m, sorted[i]);
    free(sorted);
    return h->st;
}

static cril_status hash_with(const cril_model *m, const struct cril_values *tables, bool own,
                             char hex[65], cril_error *err)
{
    const char *const head = own ? "cril folder 1\n" : "cril model 1\n";
    struct cril_hashing h;

    begin(&h, err);
    cril_identity_bytes(&h, head, strlen(head));
    if (h.st == CRIL_OK && (h.st = add_metadata(&h, m, tables)) == CRIL_OK)
        h.st = add_tensors(&h, m);
    if (own)
        cril_identity_tokenizer(&h, cril_tokenizer_spec(m->tokenizer));
    return finish(&h, hex);
}

static cril_status hash_identity(cril_model *m, char hex[65], cril_error *err)
{
    struct cril_values tables = {0};
    bool known = !m->folder_class;
    cril_status st = CRIL_OK;

    if (m->folder_class)
        st = cril_gguf_tables(m->source, cril_tokenizer_spec(m->tokenizer), m->family->architecture,
                              &tables, &known, err);
    known = known && !m->regrouped;
    if ((m->own_identity = !known))
        cril_values_free(&tables);
    if (st == CRIL_OK)
        st = hash_with(m, &tables, !known, hex, err);
    cril_values_free(&tables);
    return st;
}

static cril_status hash_files(cril_model *m, char hex[65], cril_error *err)
{
    return cril_source_sha256(m->source, hex, err);
}

/* The hash that is kept, made by the first thread that asks while the others wait. */
static cril_status get(cril_model *m, char kept[65],
                       cril_status (*make)(cril_model *, char *, cril_error *), char hex[65],
                       cril_error *err)
{
    char made[65];
    cril_status st = CRIL_OK;

    pthread_mutex_lock(&m->hashes);
    if (!kept[0] && (st = make(m, made, err)) == CRIL_OK &&
        (st = cril_model_check(m, err)) == CRIL_OK)
        memcpy(kept, made, sizeof(made));
    if (st == CRIL_OK)
        memcpy(hex, kept, sizeof(made));
    pthread_mutex_unlock(&m->hashes);
    return st;
}

cril_status cril_model_identity(cril_model *m, char hex[65], cril_error *err)
{
    if (CRIL_LACKS(err, m, hex))
        return CRIL_ERR_RANGE;
    return get(m, m->identity, hash_identity, hex, err);
}

void cril_model_know_sha256(cril_model *m, const char hex[65])
{
    memcpy(m->sha256, hex, sizeof(m->sha256));
}

cril_status cril_model_sha256(cril_model *m, char hex[65], cril_error *err)
{
    if (CRIL_LACKS(err, m, hex))
        return CRIL_ERR_RANGE;
    return get(m, m->sha256, hash_files, hex, err);
}
