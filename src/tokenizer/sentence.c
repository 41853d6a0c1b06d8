/*
 * SentencePiece's normaliser (Kudo & Richardson 2018, section 3.2; normalizer.cc of the library),
 * the same for BPE and unigram: characters by the map, user-defined symbols as they are; a space in
 * front of the text, once; where the model asks for it runs of spaces to one and none at the ends.
 *
 * U+2581 is SentencePiece's own way to write a space; here all of them are spaces afterwards. A
 * text's own U+2581 is one too, but only at the end does squeezing take it for one.
 */
#include "tokenizer/internal.h"

#include "util/utf8.h"

#include <stdlib.h>
#include <string.h>

cril_status cril_sentence_load(const struct cril_spec *spec, struct cril_sentence *s,
                               cril_error *err)
{
    *s = (struct cril_sentence){.prefix = spec->sentence.prefix, .squeeze = spec->sentence.squeeze};
    return cril_charsmap_load(spec->path, spec->sentence.charsmap, &s->map, err);
}

void cril_sentence_clear(struct cril_sentence *s)
{
    cril_charsmap_clear(&s->map);
}

/* What the symbol or character at the start of text [len >= 1] becomes: returns its bytes and sets
 * *to [*to_len]. */
static size_t next(const struct cril_sentence *s, const struct cril_specials *symbols,
                   const char *text, size_t len, const char **to, size_t *to_len)
{
    if (cril_specials_match(symbols, text, len, false, to_len) < 0)
        return cril_charsmap_next(&s->map, text, len, to, to_len);
    *to = text;
    return *to_len;
}

static cril_status map_characters(const struct cril_sentence *s,
                                  const struct cril_specials *symbols, const char *text, size_t len,
                                  bool first, struct cril_string *out, cril_error *err)
{
    bool after_space = s->squeeze;
    cril_status st = CRIL_OK;
    const char *to;
    size_t i = 0, n, width;

    for (; s->squeeze && i < len; i += width) {
        width = next(s, symbols, text + i, len - i, &to, &n);
        if (n != 1 || *to != ' ')
            break;
    }
    if (i < len && first && s->prefix)
        st = cril_string_append(out, " ", 1, err);
    while (i < len && st == CRIL_OK) {
        i += next(s, symbols, text + i, len - i, &to, &n);
        for (; after_space && n && *to == ' '; n--)
            to++;
        if (!n)
            continue;
        st = cril_string_append(out, to, n, err);
        after_space = s->squeeze && to[n - 1] == ' ';
    }
    return st;
}

/* A map may cut characters in two. */
static cril_status repair(struct cril_string *text, cril_error *err)
{
    char *repaired = NULL;
    size_t n;
    cril_status st = cril_utf8_repair(text->data, text->n, &repaired, &n, err);

    if (st != CRIL_OK || !repaired)
        return st;
    free(text->data);
    *text = (struct cril_string){repaired, n, n};
    return CRIL_OK;
}

cril_status cril_sentence_run(const struct cril_sentence *s, const struct cril_specials *symbols,
                              const char *text, size_t len, bool first, struct cril_string *out,
                              cril_error *err)
{
    cril_status st;

    out->n = 0;
    st = map_characters(s, symbols, text, len, first, out, err);
    if (st == CRIL_OK && out->n && s->map.n_units)
        st = repair(out, err);
    if (st != CRIL_OK)
        return st;
    out->n = cril_put_spaces(out->data, out->n, out->data);
    while (s->squeeze && out->n && out->data[out->n - 1] == ' ')
        out->n--;
    return CRIL_OK;
}
