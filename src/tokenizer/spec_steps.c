/*
 * The steps of tokenizer.json: normalisers and pre-tokenizers by the names that the library
 * `tokenizers` gives them (normalizers/mod.rs, pre_tokenizers/mod.rs). One that is not here is
 * refused by its name.
 */
#include "tokenizer/spec_json.h"

#include "tokenizer/words.h"
#include "util/base64.h"
#include "util/fail.h"
#include "util/utf8.h"

#include <string.h>

enum { MAX_STEPS = 64 };

#define SPACE_MARK "\xe2\x96\x81" /* U+2581 */

cril_status cril_spec_json_text(const struct cril_spec *s, const json_t *object, const char *key,
                                struct cril_bytes *text, cril_error *err)
{
    const json_t *const value = json_object_get(object, key);

    if (!json_is_string(value))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"%s\" is %s", s->path, key,
                         value ? "not a text" : "missing");
    *text = (struct cril_bytes){json_string_value(value), json_string_length(value)};
    return CRIL_OK;
}

cril_status cril_spec_json_flag(const struct cril_spec *s, const json_t *object, const char *key,
                                bool *value, cril_error *err)
{
    const json_t *const v = json_object_get(object, key);

    if (!v || json_is_null(v))
        return CRIL_OK;
    if (!json_is_boolean(v))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"%s\" is not a truth value", s->path, key);
    *value = json_is_true(v);
    return CRIL_OK;
}

cril_status cril_spec_copy(struct cril_spec *s, struct cril_bytes text, struct cril_bytes *copy,
                           cril_error *err)
{
    const char *const data = cril_arena_text(&s->arena, text.data, text.len);

    *copy = (struct cril_bytes){data, text.len};
    return data ? CRIL_OK : cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
}

static cril_status no_room(const struct cril_spec *s, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: has more than %d steps", s->path, MAX_STEPS);
}

/* {"String": "..."} or {"Regex": "..."} */
static cril_status read_pattern(struct cril_spec *s, const json_t *component,
                                struct spec_pattern *pattern, cril_error *err)
{
    const json_t *const value = json_object_get(component, "pattern");
    const bool literal = json_object_get(value, "String");
    struct cril_bytes text = {0};
    cril_status st;

    if (!json_is_object(value))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"pattern\" is not an object", s->path);
    if ((st = cril_spec_json_text(s, value, literal ? "String" : "Regex", &text, err)) != CRIL_OK)
        return st;
    pattern->dialect = literal ? DIALECT_LITERAL : DIALECT_ONIGURUMA;
    return cril_spec_copy(s, text, &pattern->text, err);
}

/* A row a component. */
struct component {
    const char *name;
    cril_status (*read)(struct cril_spec *s, const json_t *component, cril_error *err);
};

static cril_status read_component(struct cril_spec *s, const char *what,
                                  const struct component *rows, size_t n, const json_t *component,
                                  cril_error *err)
{
    struct cril_bytes name = {0};
    cril_status st;

    if (!json_is_object(component))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: a %s is not an object", s->path, what);
    if ((st = cril_spec_json_text(s, component, "type", &name, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        if (cril_bytes_are(name, rows[i].name))
            return rows[i].read(s, component, err);
    return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: cril does not know the %s \"%.*s\"", s->path,
                     what, CRIL_SHOWN(name));
}

static cril_status read_members(struct cril_spec *s, const json_t *component, const char *key,
                                cril_status (*read)(struct cril_spec *s, const json_t *component,
                                                    cril_error *err),
                                cril_error *err)
{
    const json_t *const list = json_object_get(component, key);
    cril_status st = CRIL_OK;

    if (!json_is_array(list))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"%s\" is not a list", s->path, key);
    for (size_t i = 0; i < json_array_size(list) && st == CRIL_OK; i++)
        st = read(s, json_array_get(list, i), err);
    return st;
}

/* ---- Normalisers ---- */

static cril_status add_normal(struct cril_spec *s, struct spec_normal normal, cril_error *err)
{
    if (s->n_normals == MAX_STEPS)
        return no_room(s, err);
    s->normals[s->n_normals++] = normal;
    return CRIL_OK;
}

static cril_status read_nfc(struct cril_spec *s, const json_t *component, cril_error *err)
{
    (void)component;
    return add_normal(s, (struct spec_normal){.kind = NORMAL_NFC}, err);
}

static cril_status read_nfd(struct cril_spec *s, const json_t *component, cril_error *err)
{
    (void)component;
    return add_normal(s, (struct spec_normal){.kind = NORMAL_NFD}, err);
}

static cril_status read_nfkc(struct cril_spec *s, const json_t *component, cril_error *err)
{
    (void)component;
    return add_normal(s, (struct spec_normal){.kind = NORMAL_NFKC}, err);
}

static cril_status read_nfkd(struct cril_spec *s, const json_t *component, cril_error *err)
{
    (void)component;
    return add_normal(s, (struct spec_normal){.kind = NORMAL_NFKD}, err);
}

static cril_status read_prepend(struct cril_spec *s, const json_t *component, cril_error *err)
{
    struct spec_normal normal = {.kind = NORMAL_PREPEND};
    struct cril_bytes text = {0};
    cril_status st;

    if ((st = cril_spec_json_text(s, component, "prepend", &text, err)) != CRIL_OK ||
        (st = cril_spec_copy(s, text, &normal.text, err)) != CRIL_OK)
        return st;
    return add_normal(s, normal, err);
}

static cril_status read_replace(struct cril_spec *s, const json_t *component, cril_error *err)
{
    struct spec_normal normal = {.kind = NORMAL_REPLACE};
    struct cril_bytes text = {0};
    cril_status st;

    if ((st = read_pattern(s, component, &normal.pattern, err)) != CRIL_OK ||
        (st = cril_spec_json_text(s, component, "content", &text, err)) != CRIL_OK ||
        (st = cril_spec_copy(s, text, &normal.text, err)) != CRIL_OK)
        return st;
    s->spaces = s->spaces || (cril_bytes_are(normal.pattern.text, " ") &&
                              cril_bytes_are(normal.text, SPACE_MARK));
    return add_normal(s, normal, err);
}

static cril_status read_precompiled(struct cril_spec *s, const json_t *component, cril_error *err)
{
    struct spec_normal normal = {.kind = NORMAL_MAP};
    struct cril_bytes text = {0};
    char *map;
    cril_status st;

    if ((st = cril_spec_json_text(s, component, "precompiled_charsmap", &text, err)) != CRIL_OK)
        return st;
    if (!(map = cril_arena_take(&s->arena, text.len + 1, 1)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    if (!cril_base64_decode(text.data, text.len, map, &normal.text.len))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"precompiled_charsmap\" is not base 64",
                         s->path);
    normal.text.data = map;
    return add_normal(s, normal, err);
}

static cril_status read_strip(struct cril_spec *s, const json_t *component, cril_error *err)
{
    struct spec_normal normal = {.kind = NORMAL_STRIP};
    cril_status st;

    if ((st = cril_spec_json_flag(s, component, "strip_left", &normal.left, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, component, "strip_right", &normal.right, err)) != CRIL_OK)
        return st;
    return add_normal(s, normal, err);
}

static cril_status read_normalizer(struct cril_spec *s, const json_t *component, cril_error *err);

static cril_status read_normalizers(struct cril_spec *s, const json_t *component, cril_error *err)
{
    return read_members(s, component, "normalizers", read_normalizer, err);
}

static cril_status read_normalizer(struct cril_spec *s, const json_t *component, cril_error *err)
{
    static const struct component rows[] = {{"NFC", read_nfc},
                                            {"NFD", read_nfd},
                                            {"NFKC", read_nfkc},
                                            {"NFKD", read_nfkd},
                                            {"Prepend", read_prepend},
                                            {"Replace", read_replace},
                                            {"Strip", read_strip},
                                            {"Precompiled", read_precompiled},
                                            {"Sequence", read_normalizers}};

    return read_component(s, "normalizer", rows, sizeof(rows) / sizeof(rows[0]), component, err);
}

cril_status cril_spec_read_normalizer(struct cril_spec *s, const json_t *component, cril_error *err)
{
    if (!component || json_is_null(component))
        return CRIL_OK;
    if (!(s->normals = cril_arena_take(&s->arena, MAX_STEPS, sizeof(*s->normals))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    return read_normalizer(s, component, err);
}

/* ---- Pre-tokenizers ---- */

static cril_status add_split(struct cril_spec *s, struct spec_split split, cril_error *err)
{
    if (s->byte_level && split.kind != SPLIT_MATCHES)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: changes texts behind the pre-tokenizer \"ByteLevel\", which cril "
                         "does not follow",
                         s->path);
    if (s->n_splits == MAX_STEPS)
        return no_room(s, err);
    s->splits[s->n_splits++] = split;
    return CRIL_OK;
}

static cril_status add_matches(struct cril_spec *s, const char *pattern,
                               enum split_behaviour behaviour, bool inverted, cril_error *err)
{
    return add_split(s,
                     (struct spec_split){.pattern = {cril_bytes_of(pattern), DIALECT_PCRE2},
                                         .behaviour = behaviour,
                                         .inverted = inverted},
                     err);
}

static cril_status read_behaviour(const struct cril_spec *s, const json_t *component,
                                  enum split_behaviour *behaviour, cril_error *err)
{
    static const char *const names[] = {[SPLIT_ISOLATED] = "Isolated",
                                        [SPLIT_REMOVED] = "Removed",
                                        [SPLIT_CONTIGUOUS] = "Contiguous",
                                        [SPLIT_WITH_PREVIOUS] = "MergedWithPrevious",
                                        [SPLIT_WITH_NEXT] = "MergedWithNext"};
    struct cril_bytes name = {0};
    const cril_status st = cril_spec_json_text(s, component, "behavior", &name, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cril_bytes_are(name, names[i])) {
            *behaviour = (enum split_behaviour)i;
            return CRIL_OK;
        }
    return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: cril does not know the behavior \"%.*s\"",
                     s->path, CRIL_SHOWN(name));
}

static cril_status read_split(struct cril_spec *s, const json_t *component, cril_error *err)
{
    struct spec_split split = {.kind = SPLIT_MATCHES};
    cril_status st;

    if ((st = read_pattern(s, component, &split.pattern, err)) != CRIL_OK ||
        (st = read_behaviour(s, component, &split.behaviour, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, component, "invert", &split.inverted, err)) != CRIL_OK)
        return st;
    return add_split(s, split, err);
}

static cril_status read_digits(struct cril_spec *s, const json_t *component, cril_error *err)
{
    bool each = false;
    const cril_status st = cril_spec_json_flag(s, component, "individual_digits", &each, err);

    if (st != CRIL_OK)
        return st;
    return add_matches(s, "\\p{N}", each ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS, false, err);
}

/* Punctuation that Unicode encoded after version 8, up to 15: the library's tables are older. */
#define LATER_PUNCTUATION                                                                          \
    "\\x{61d}\\x{9fd}\\x{a76}\\x{c77}\\x{c84}\\x{1b7d}-\\x{1b7e}\\x{2e43}-\\x{2e4f}"               \
    "\\x{2e52}-\\x{2e5d}\\x{10ead}\\x{10f55}-\\x{10f59}\\x{10f86}-\\x{10f89}"                      \
    "\\x{1144b}-\\x{1144f}\\x{1145a}-\\x{1145b}\\x{1145d}\\x{11660}-\\x{1166c}\\x{116b9}"          \
    "\\x{1183b}\\x{11944}-\\x{11946}\\x{119e2}\\x{11a3f}-\\x{11a46}\\x{11a9a}-\\x{11a9c}"          \
    "\\x{11a9e}-\\x{11aa2}\\x{11b00}-\\x{11b09}\\x{11c41}-\\x{11c45}\\x{11c70}-\\x{11c71}"         \
    "\\x{11ef7}-\\x{11ef8}\\x{11f43}-\\x{11f4f}\\x{11fff}\\x{12ff1}-\\x{12ff2}"                    \
    "\\x{16e97}-\\x{16e9a}\\x{16fe2}\\x{1e95e}-\\x{1e95f}"
/* By the tables of Unicode 8 and ASCII's symbols. The last two are punctuation no more. */
#define PUNCTUATION "(?![" LATER_PUNCTUATION "])[\\p{P}$+<=>^`|~\\x{166d}\\x{111c9}]"

static cril_status read_punctuation(struct cril_spec *s, const json_t *component, cril_error *err)
{
    enum split_behaviour behaviour = SPLIT_ISOLATED;
    cril_status st;

    if (json_object_get(component, "behavior") &&
        (st = read_behaviour(s, component, &behaviour, err)) != CRIL_OK)
        return st;
    return add_matches(s, PUNCTUATION, behaviour, false, err);
}

#define JOINERS "\\x{200c}\\x{200d}" /* letters and the like to the library's other expressions */

static cril_status read_whitespace(struct cril_spec *s, const json_t *component, cril_error *err)
{
    (void)component;
    return add_matches(s, "[" WORD JOINERS "]+|[^" WORD JOINERS BLANKS "]+", SPLIT_REMOVED, true,
                       err);
}

static cril_status read_whitespace_split(struct cril_spec *s, const json_t *component,
                                         cril_error *err)
{
    (void)component;
    return add_matches(s, BLANK, SPLIT_REMOVED, false, err);
}

static cril_status read_byte_level(struct cril_spec *s, const json_t *component, cril_error *err)
{
    bool prefix = true, words = true;
    cril_status st;

    if ((st = cril_spec_json_flag(s, component, "add_prefix_space", &prefix, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, component, "use_regex", &words, err)) != CRIL_OK ||
        (prefix &&
         (st = add_split(s, (struct spec_split){.kind = SPLIT_PREPEND, .text = cril_bytes_of(" ")},
                         err)) != CRIL_OK) ||
        (words && (st = add_matches(s, GPT2_WORDS, SPLIT_ISOLATED, false, err)) != CRIL_OK) ||
        (st = add_split(s, (struct spec_split){.kind = SPLIT_BYTES}, err)) != CRIL_OK)
        return st;
    s->byte_level = true;
    return CRIL_OK;
}

/* "always", "first" or "never"; older files say whether at all. */
static cril_status read_scheme(const struct cril_spec *s, const json_t *component, bool *prepend,
                               bool *first, cril_error *err)
{
    struct cril_bytes scheme = cril_bytes_of("always");
    cril_status st;

    *prepend = true;
    if ((st = cril_spec_json_flag(s, component, "add_prefix_space", prepend, err)) != CRIL_OK ||
        (json_object_get(component, "prepend_scheme") &&
         (st = cril_spec_json_text(s, component, "prepend_scheme", &scheme, err)) != CRIL_OK))
        return st;
    *first = cril_bytes_are(scheme, "first");
    *prepend = *prepend && !cril_bytes_are(scheme, "never");
    if (*first || cril_bytes_are(scheme, "always") || cril_bytes_are(scheme, "never"))
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: cril does not know the prepend_scheme \"%.*s\"", s->path,
                     CRIL_SHOWN(scheme));
}

static cril_status read_metaspace(struct cril_spec *s, const json_t *component, cril_error *err)
{
    struct spec_split step = {.kind = SPLIT_REPLACE,
                              .pattern = {cril_bytes_of(" "), DIALECT_LITERAL}};
    bool prepend, split = true;
    struct cril_bytes text = {0};
    cril_status st;

    if ((st = cril_spec_json_text(s, component, "replacement", &text, err)) != CRIL_OK ||
        (st = cril_spec_copy(s, text, &step.text, err)) != CRIL_OK ||
        (st = add_split(s, step, err)) != CRIL_OK ||
        (st = read_scheme(s, component, &prepend, &step.first, err)) != CRIL_OK ||
        (st = cril_spec_json_flag(s, component, "split", &split, err)) != CRIL_OK)
        return st;
    s->spaces = s->spaces || cril_bytes_are(text, SPACE_MARK);
    step.kind = SPLIT_PREPEND;
    if (prepend && (st = add_split(s, step, err)) != CRIL_OK)
        return st;
    if (!split)
        return CRIL_OK;
    return add_split(s,
                     (struct spec_split){.kind = SPLIT_MATCHES,
                                         .pattern = {step.text, DIALECT_LITERAL},
                                         .behaviour = SPLIT_WITH_NEXT},
                     err);
}

static cril_status read_pre_tokenizer(struct cril_spec *s, const json_t *component,
                                      cril_error *err);

static cril_status read_pre_tokenizers(struct cril_spec *s, const json_t *component,
                                       cril_error *err)
{
    return read_members(s, component, "pretokenizers", read_pre_tokenizer, err);
}

static cril_status read_pre_tokenizer(struct cril_spec *s, const json_t *component, cril_error *err)
{
    static const struct component rows[] = {{"Split", read_split},
                                            {"ByteLevel", read_byte_level},
                                            {"Digits", read_digits},
                                            {"Punctuation", read_punctuation},
                                            {"Metaspace", read_metaspace},
                                            {"Whitespace", read_whitespace},
                                            {"WhitespaceSplit", read_whitespace_split},
                                            {"Sequence", read_pre_tokenizers}};

    return read_component(s, "pre_tokenizer", rows, sizeof(rows) / sizeof(rows[0]), component, err);
}

cril_status cril_spec_read_pre_tokenizer(struct cril_spec *s, const json_t *component,
                                         cril_error *err)
{
    if (!component || json_is_null(component))
        return CRIL_OK;
    if (!(s->splits = cril_arena_take(&s->arena, MAX_STEPS, sizeof(*s->splits))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    return read_pre_tokenizer(s, component, err);
}
