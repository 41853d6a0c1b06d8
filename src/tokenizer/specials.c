/* Special tokens are found leftmost, then longest, as SentencePiece and Hugging Face do (llama.cpp
 * goes token by token, longest first; that differs only where two overlap). */
#include "tokenizer/specials.h"

#include "util/fail.h"
#include "util/utf8.h"

#include <stdlib.h>
#include <string.h>

/* The child of node at that holds byte, made if needed; at 0 is the root. */
static uint32_t child_of(struct cril_specials *s, uint32_t at, uint8_t byte)
{
    uint32_t *link = at ? &s->nodes[at].child : &s->first[byte];
    uint32_t i;

    for (i = *link; i; i = s->nodes[i].sibling)
        if (s->nodes[i].byte == byte)
            return i;
    i = (uint32_t)s->n++;
    s->nodes[i] = (struct special_node){.text = -1, .any = -1, .sibling = *link, .byte = byte};
    *link = i;
    return i;
}

static bool is_well_formed(const char *text, size_t len)
{
    uint32_t code = 0;

    for (size_t i = 0; i < len && code != CRIL_UTF8_ILL;)
        i += cril_utf8_read(text + i, len - i, &code);
    return code != CRIL_UTF8_ILL;
}

cril_status cril_specials_build(const struct spec_added *added, size_t n, bool normalised,
                                struct cril_specials *s, cril_error *err)
{
    size_t total = 1;

    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < n; i++)
        total += added[i].name.len; /* parts of one file: no overflow */
    if (total > UINT32_MAX || total > SIZE_MAX / sizeof(*s->nodes) ||
        !(s->nodes = malloc(total * sizeof(*s->nodes))))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu bytes of special tokens",
                         total);
    s->n = 1;
    for (size_t i = 0; i < n; i++) {
        const struct cril_bytes name = added[i].name;
        uint32_t at = 0;

        if (added[i].normalised != normalised || !name.len || !is_well_formed(name.data, name.len))
            continue; /* a name that cuts a character in two must not be found */
        for (size_t k = 0; k < name.len; k++)
            at = child_of(s, at, (uint8_t)name.data[k]);
        s->nodes[at].any = (int32_t)i;
        if (!added[i].control)
            s->nodes[at].text = (int32_t)i;
    }
    return CRIL_OK;
}

void cril_specials_clear(struct cril_specials *s)
{
    free(s->nodes);
    memset(s, 0, sizeof(*s));
}

int32_t cril_specials_match(const struct cril_specials *s, const char *text, size_t len,
                            bool with_control, size_t *match_len)
{
    int32_t best = -1;
    uint32_t at = len ? s->first[(uint8_t)text[0]] : 0;

    for (size_t i = 1; at; i++) {
        const struct special_node *node = &s->nodes[at];
        const int32_t id = with_control ? node->any : node->text;

        if (id >= 0) {
            best = id;
            *match_len = i;
        }
        if (i == len)
            break;
        for (at = node->child; at && s->nodes[at].byte != (uint8_t)text[i];)
            at = s->nodes[at].sibling;
    }
    return best;
}
