/*
 * The steps are those of the library `tokenizers` (normalizers/). Its way with SentencePiece's map
 * of characters (normalizers/precompiled.rs) is not SentencePiece's: what a reader takes for one
 * character, if it is shorter than 6 bytes, becomes as a whole what the map has for its shortest
 * beginning; else that is done character by character.
 */
#include "tokenizer/normalise.h"

#include "tokenizer/charsmap.h"
#include "tokenizer/expression.h"
#include "util/fail.h"
#include "util/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>

enum { LONG_GRAPHEME = 6 };

struct step {
    struct cril_expression expression; /* NORMAL_REPLACE */
    struct cril_charsmap map;          /* NORMAL_MAP */
};

struct cril_normaliser {
    const struct cril_spec *spec;
    struct step *steps; /* [spec->n_normals] */
};

cril_status cril_normaliser_create(const struct cril_spec *spec, struct cril_normaliser **out,
                                   cril_error *err)
{
    struct cril_normaliser *n = calloc(1, sizeof(*n));
    cril_status st = CRIL_OK;

    if (!n || !(n->steps = calloc(spec->n_normals + 1, sizeof(*n->steps)))) {
        free(n);
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", spec->path);
    }
    n->spec = spec;
    for (size_t i = 0; i < spec->n_normals && st == CRIL_OK; i++) {
        const struct spec_normal *const normal = &spec->normals[i];

        if (normal->kind == NORMAL_REPLACE)
            st =
                cril_expression_compile(spec->path, &normal->pattern, &n->steps[i].expression, err);
        else if (normal->kind == NORMAL_MAP)
            st = cril_charsmap_load(spec->path, normal->text, &n->steps[i].map, err);
    }
    if (st != CRIL_OK) {
        cril_normaliser_free(n);
        return st;
    }
    *out = n;
    return CRIL_OK;
}

void cril_normaliser_free(struct cril_normaliser *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->spec->n_normals; i++) {
        cril_expression_clear(&n->steps[i].expression);
        cril_charsmap_clear(&n->steps[i].map);
    }
    free(n->steps);
    free(n);
}

void cril_normal_work_free(struct normal_work *w)
{
    cril_form_work_free(&w->form);
    free(w->text.data);
    free(w->spare.data);
}

/* ---- Steps: each appends to out ---- */

static cril_status replace(const struct spec_normal *normal, const struct cril_expression *x,
                           const char *text, size_t len, struct cril_string *out, cril_error *err)
{
    struct cril_matches m;
    size_t done = 0, from, to;
    bool found;
    cril_status st = cril_matches_begin(&m, x, text, len, err);

    while (st == CRIL_OK && (st = cril_matches_next(&m, &found, &from, &to, err)) == CRIL_OK &&
           found) {
        st = cril_string_append(out, text + done, from - done, err);
        if (st == CRIL_OK)
            st = cril_string_append(out, normal->text.data, normal->text.len, err);
        done = to;
    }
    cril_matches_end(&m);
    return st == CRIL_OK ? cril_string_append(out, text + done, len - done, err) : st;
}

/* The bytes of what a reader takes for one character, at text [len >= 1]. */
static size_t grapheme(const char *text, size_t len)
{
    utf8proc_int32_t state = 0;
    uint32_t code, next;
    size_t n = cril_utf8_read(text, len, &code), width;

    for (; n < len; n += width, code = next) {
        width = cril_utf8_read(text + n, len - n, &next);
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)code, (utf8proc_int32_t)next,
                                             &state))
            break;
    }
    return n;
}

/* Appends what text [len] becomes as a whole; false: the map has nothing for it. */
static bool map_whole(const struct cril_charsmap *map, const char *text, size_t len,
                      struct cril_string *out, cril_status *st, cril_error *err)
{
    const char *to;

    if (!cril_charsmap_find(map, text, len, false, &to))
        return false;
    *st = cril_string_append(out, to, strlen(to), err);
    return true;
}

static cril_status map_characters(const struct cril_charsmap *map, const char *text, size_t len,
                                  struct cril_string *out, cril_error *err)
{
    cril_status st = CRIL_OK;
    size_t n, width;

    for (size_t i = 0; i < len && st == CRIL_OK; i += n) {
        n = grapheme(text + i, len - i);
        if (n < LONG_GRAPHEME && map_whole(map, text + i, n, out, &st, err))
            continue;
        for (size_t k = 0; k < n && st == CRIL_OK; k += width) {
            width = cril_utf8_width(text[i + k]);
            if (!map_whole(map, text + i + k, width, out, &st, err))
                st = cril_string_append(out, text + i + k, width, err);
        }
    }
    return st;
}

bool cril_is_blank(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == 0x20 || code == 0x85 || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

bool cril_python_is_space(uint32_t code)
{
    return cril_is_blank(code) || (code >= 0x1c && code <= 0x1f);
}

size_t cril_leading_blanks(const char *text, size_t len)
{
    uint32_t code;
    size_t n = 0, width;

    for (; n < len; n += width) {
        width = cril_utf8_read(text + n, len - n, &code);
        if (!cril_is_blank(code))
            break;
    }
    return n;
}

size_t cril_trailing_blanks(const char *text, size_t len)
{
    uint32_t code;
    size_t n = len, at;

    for (; n; n = at) {
        at = cril_utf8_read_back(text, n, &code);
        if (!cril_is_blank(code))
            break;
    }
    return len - n;
}

bool cril_is_word(uint32_t code)
{
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: /* other alphabetic characters: circled and squared letters; and the joiners */
        return (code >= 0x24b6 && code <= 0x24e9) || (code >= 0x1f130 && code <= 0x1f149) ||
               (code >= 0x1f150 && code <= 0x1f169) || (code >= 0x1f170 && code <= 0x1f189) ||
               code == 0x200c || code == 0x200d;
    }
}

static cril_status run_form(const struct spec_normal *normal, const char **text, size_t *len,
                            struct normal_work *w, cril_error *err)
{
    static const struct cril_form forms[] = {[NORMAL_NFC] = {.composes = true},
                                             [NORMAL_NFD] = {.composes = false},
                                             [NORMAL_NFKC] = {.composes = true, .compatible = true},
                                             [NORMAL_NFKD] = {.compatible = true}};

    const cril_status st =
        cril_form_run(&w->form, &forms[normal->kind], *text, *len, text, len, err);

    if (*text == w->form.text.data) { /* another form may follow */
        const struct cril_string written = w->form.text;

        w->form.text = w->text;
        w->text = written;
    }
    return st;
}

/* Steps that write the text anew, to w->spare. */
static cril_status run_rewrite(const struct spec_normal *normal, const struct step *step,
                               const char *text, size_t len, struct cril_string *out,
                               cril_error *err)
{
    cril_status st;

    out->n = 0;
    switch (normal->kind) {
    case NORMAL_REPLACE: return replace(normal, &step->expression, text, len, out, err);
    case NORMAL_MAP: return map_characters(&step->map, text, len, out, err);
    default:
        st = cril_string_append(out, normal->text.data, normal->text.len, err);
        return st == CRIL_OK ? cril_string_append(out, text, len, err) : st;
    }
}

cril_status cril_normaliser_run(const struct cril_normaliser *n, const char **text, size_t *len,
                                struct normal_work *w, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < n->spec->n_normals && *len && st == CRIL_OK; i++) {
        const struct spec_normal *const normal = &n->spec->normals[i];
        struct cril_string written;

        if (normal->kind <= NORMAL_NFKD) {
            st = run_form(normal, text, len, w, err);
            continue;
        }
        if (normal->kind == NORMAL_STRIP) {
            const size_t left = normal->left ? cril_leading_blanks(*text, *len) : 0;

            *text += left;
            *len -= left;
            *len -= normal->right ? cril_trailing_blanks(*text, *len) : 0;
            continue;
        }
        st = run_rewrite(normal, &n->steps[i], *text, *len, &w->spare, err);
        written = w->spare;
        w->spare = w->text;
        w->text = written;
        *text = written.data;
        *len = written.n;
    }
    return st;
}
