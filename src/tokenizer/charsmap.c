/*
 * SentencePiece's precompiled normalisation map (nmt_nfkc and its kin).
 *
 * Layout: u32 size of the trie in bytes, the trie, then the replacements, each ended by NUL. The
 * trie is a double array (Aoe 1989; as darts-clone packs it), one u32 a unit:
 *
 *   bits 0..7  label   bit 8  a key ends here   bit 9  offset is in steps of 256   bits 10..30
 * offset a unit that holds a value instead: bit 31 set, bits 0..30 the replacement's place
 *
 * From unit i a byte b leads to unit i ^ offset(i) ^ b, if that one's label is b; its value is at
 * label 0.
 */
#include "tokenizer/charsmap.h"

#include "util/cursor.h"
#include "util/fail.h"
#include "util/utf8.h"

#include <stdlib.h>
#include <string.h>

cril_status cril_charsmap_load(const char *path, struct cril_bytes bytes, struct cril_charsmap *map,
                               cril_error *err)
{
    const uint8_t *const data = (const uint8_t *)bytes.data;
    size_t trie_bytes;

    memset(map, 0, sizeof(*map));
    if (!bytes.len)
        return CRIL_OK;
    trie_bytes = bytes.len > 4 ? cril_load_u32(data) : 0;
    if (trie_bytes < 4 || trie_bytes % 4 || bytes.len - 4 <= trie_bytes || data[bytes.len - 1] != 0)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: precompiled_charsmap is not a map of characters", path);
    map->n_units = trie_bytes / 4;
    map->len = bytes.len - 4 - trie_bytes;
    map->replacements = bytes.data + 4 + trie_bytes;
    if (!(map->units = malloc(trie_bytes)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for precompiled_charsmap", path);
    for (size_t i = 0; i < map->n_units; i++)
        map->units[i] = cril_load_u32(data + 4 + 4 * i);
    return CRIL_OK;
}

void cril_charsmap_clear(struct cril_charsmap *map)
{
    free(map->units);
    memset(map, 0, sizeof(*map));
}

static size_t unit_offset(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

size_t cril_charsmap_find(const struct cril_charsmap *map, const char *text, size_t len,
                          bool longest, const char **to)
{
    size_t best = 0, at = map->n_units ? unit_offset(map->units[0]) : 0;

    for (size_t i = 0; i < len && map->n_units && (longest || !best); i++) {
        const uint8_t byte = (uint8_t)text[i];
        uint32_t unit;

        at ^= byte;
        if (!byte || at >= map->n_units)
            break;
        unit = map->units[at];
        if ((unit & 0x800000ffu) != byte)
            break;
        at ^= unit_offset(unit);
        if (at >= map->n_units)
            break;
        if (unit & 1u << 8) {
            const size_t place = map->units[at] & 0x7fffffffu;

            if (place < map->len) {
                best = i + 1;
                *to = map->replacements + place;
            }
        }
    }
    return best;
}

size_t cril_charsmap_next(const struct cril_charsmap *map, const char *text, size_t len,
                          const char **to, size_t *to_len)
{
    const size_t n = cril_charsmap_find(map, text, len, true, to);
    uint32_t code;

    if (n) {
        *to_len = strlen(*to); /* the last byte is NUL */
        return n;
    }
    *to = text;
    *to_len = cril_utf8_read(text, len, &code);
    return *to_len;
}
