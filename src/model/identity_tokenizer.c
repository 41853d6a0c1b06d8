/*
 * The tokenizer of a folder in its model's identity: every member of the spec that decides over ids
 * and pieces, in the order of spec.h. Truth values and enumerators are a byte, ids 4 bytes (-1 is
 * 2^32 - 1), counts and lengths 8, scores the 8 bytes of a double.
 */
#include "model/identity.h"

#include <string.h>

static void add_bytes(struct cril_hashing *h, struct cril_bytes text)
{
    cril_identity_text(h, text.data, text.len);
}

static void add_flag(struct cril_hashing *h, unsigned value)
{
    cril_identity_number(h, value, 1);
}

static void add_id(struct cril_hashing *h, int32_t id)
{
    cril_identity_number(h, (uint32_t)id, 4);
}

static void add_score(struct cril_hashing *h, double score)
{
    uint64_t bits;

    memcpy(&bits, &score, sizeof(bits));
    cril_identity_number(h, bits, 8);
}

static void add_tokens(struct cril_hashing *h, const struct cril_spec *s)
{
    cril_identity_number(h, s->n, 8);
    for (size_t i = 0; i < s->n; i++) {
        add_flag(h, s->types[i]);
        add_bytes(h, s->pieces[i]);
        add_bytes(h, s->keys[i]);
        add_score(h, s->scores[i]);
    }
    add_flag(h, s->wide_sums);
    for (size_t i = 0; i < 256; i++)
        add_id(h, s->byte_token[i]);
}

static void add_merges(struct cril_hashing *h, const struct cril_spec *s)
{
    cril_identity_number(h, s->n_merges, 8);
    for (size_t i = 0; i < s->n_merges; i++) {
        cril_identity_text(h, s->merges[i].pair, s->merges[i].len);
        cril_identity_number(h, s->merges[i].left_len, 4);
        cril_identity_number(h, s->merges[i].rank, 4);
    }
}

static void add_added(struct cril_hashing *h, const struct cril_spec *s)
{
    cril_identity_number(h, s->n_added, 8);
    for (size_t i = 0; i < s->n_added; i++) {
        const struct spec_added *const a = &s->added[i];

        add_bytes(h, a->name);
        add_id(h, a->id);
        add_flag(h, a->control);
        add_flag(h, a->within);
        add_flag(h, a->normalised);
        add_flag(h, a->single_word);
        add_flag(h, a->strips_left);
        add_flag(h, a->strips_right);
    }
}

static void add_pattern(struct cril_hashing *h, const struct spec_pattern *p)
{
    add_bytes(h, p->text);
    add_flag(h, p->dialect);
}

static void add_normaliser(struct cril_hashing *h, const struct cril_spec *s)
{
    add_flag(h, s->sentence.used);
    add_flag(h, s->sentence.prefix);
    add_flag(h, s->sentence.squeeze);
    add_bytes(h, s->sentence.charsmap);
    cril_identity_number(h, s->n_normals, 8);
    for (size_t i = 0; i < s->n_normals; i++) {
        const struct spec_normal *const n = &s->normals[i];

        add_flag(h, n->kind);
        add_pattern(h, &n->pattern);
        add_bytes(h, n->text);
        add_flag(h, n->left);
        add_flag(h, n->right);
    }
}

static void add_splits(struct cril_hashing *h, const struct cril_spec *s)
{
    cril_identity_number(h, s->n_splits, 8);
    for (size_t i = 0; i < s->n_splits; i++) {
        const struct spec_split *const split = &s->splits[i];

        add_flag(h, split->kind);
        add_pattern(h, &split->pattern);
        add_flag(h, split->behaviour);
        add_flag(h, split->inverted);
        add_flag(h, split->first);
        add_bytes(h, split->text);
    }
}

void cril_identity_tokenizer(struct cril_hashing *h, const struct cril_spec *s)
{
    add_flag(h, s->model);
    add_flag(h, s->byte_level);
    add_flag(h, s->spaces);
    add_tokens(h, s);
    add_merges(h, s);
    add_added(h, s);
    add_normaliser(h, s);
    add_splits(h, s);
    add_flag(h, s->ignores_merges);
    add_id(h, s->bos);
    add_id(h, s->eos);
    add_id(h, s->unknown);
    add_flag(h, s->adds_bos);
    add_flag(h, s->adds_eos);
    add_flag(h, s->fuses_unknown);
    add_flag(h, s->drops_unknown);
}
