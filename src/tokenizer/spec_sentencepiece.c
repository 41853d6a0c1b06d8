/*
 * A tokenizer from SentencePiece's own file, tokenizer.model: a protocol buffer (sentencepiece's
 * sentencepiece_model.proto, whose numbers and defaults stand here). Models of whole words or
 * characters are refused, as are options of the normaliser that no published language model has.
 */
#include "tokenizer/alphabet.h"
#include "tokenizer/spec.h"

#include "util/fail.h"
#include "util/protobuf.h"
#include "util/size.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MODEL_PIECES = 1, MODEL_TRAINER = 2, MODEL_NORMALIZER = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum {
    TRAINER_MODEL_TYPE = 3,
    TRAINER_SPACE_AS_SUFFIX = 24,
    TRAINER_BYTE_FALLBACK = 35,
    TRAINER_BOS_PIECE = 46,
    TRAINER_EOS_PIECE = 47
};
enum {
    NORMALIZER_CHARSMAP = 2,
    NORMALIZER_PREFIX = 3,
    NORMALIZER_SQUEEZE = 4,
    NORMALIZER_ESCAPE = 5
};
enum model_type { TYPE_UNIGRAM = 1, TYPE_BPE = 2 };

struct file {
    uint64_t model_type;
    bool byte_fallback, space_as_suffix, escapes;
    struct cril_bytes bos, eos; /* pieces */
    size_t n, bytes;            /* of the pieces */
};

static cril_status damaged(const struct cril_spec *s, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: is not a model of SentencePiece, or damaged; fetch it again", s->path);
}

static struct cril_bytes bytes_of(const struct cril_field *f)
{
    return (struct cril_bytes){(const char *)f->data, f->len};
}

/* ---- Options ---- */

static cril_status read_trainer(const struct cril_field *part, const struct cril_spec *s,
                                struct file *file, cril_error *err)
{
    struct cril_cursor c = cril_cursor_of(part->data, part->len);
    struct cril_field f;

    while (cril_cursor_left(&c)) {
        if (!cril_field_take(&c, &f))
            return damaged(s, err);
        switch (f.number) {
        case TRAINER_MODEL_TYPE: file->model_type = f.value; break;
        case TRAINER_SPACE_AS_SUFFIX: file->space_as_suffix = f.value; break;
        case TRAINER_BYTE_FALLBACK: file->byte_fallback = f.value; break;
        case TRAINER_BOS_PIECE: file->bos = bytes_of(&f); break;
        case TRAINER_EOS_PIECE: file->eos = bytes_of(&f); break;
        default: break; /* how it was trained */
        }
    }
    return CRIL_OK;
}

static cril_status read_normalizer(const struct cril_field *part, struct cril_spec *s,
                                   struct file *file, cril_error *err)
{
    struct cril_cursor c = cril_cursor_of(part->data, part->len);
    struct cril_field f;

    while (cril_cursor_left(&c)) {
        if (!cril_field_take(&c, &f))
            return damaged(s, err);
        switch (f.number) {
        case NORMALIZER_CHARSMAP: s->sentence.charsmap = bytes_of(&f); break;
        case NORMALIZER_PREFIX: s->sentence.prefix = f.value; break;
        case NORMALIZER_SQUEEZE: s->sentence.squeeze = f.value; break;
        case NORMALIZER_ESCAPE: file->escapes = f.value; break;
        default: break; /* its name, and the rules that the map was made from */
        }
    }
    return CRIL_OK;
}

static cril_status check_options(struct cril_spec *s, const struct file *file, cril_error *err)
{
    if (file->model_type != TYPE_UNIGRAM && file->model_type != TYPE_BPE)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: cril does not know SentencePiece's models of %s; it knows BPE and "
                         "unigram",
                         s->path,
                         file->model_type == 3   ? "words"
                         : file->model_type == 4 ? "characters"
                                                 : "this type");
    if (file->space_as_suffix || !file->escapes)
        return cril_fail(
            err, CRIL_ERR_UNSUPPORTED, "%s: cril does not follow SentencePiece's %s", s->path,
            file->escapes ? "treat_whitespace_as_suffix" : "escape_whitespaces = false");
    s->model = file->model_type == TYPE_BPE ? MODEL_SCORES : MODEL_UNIGRAM;
    snprintf(s->kind, sizeof(s->kind), "%s",
             s->model == MODEL_SCORES ? "sentencepiece bpe" : "unigram");
    return CRIL_OK;
}

/* All of the file but the pieces' contents. */
static cril_status read_options(const uint8_t *data, size_t len, struct cril_spec *s,
                                struct file *file, cril_error *err)
{
    struct cril_cursor c = cril_cursor_of(data, len);
    struct cril_field f;
    cril_status st;

    while (cril_cursor_left(&c)) {
        if (!cril_field_take(&c, &f))
            return damaged(s, err);
        st = CRIL_OK;
        if (f.number == MODEL_PIECES) {
            file->n++;
            file->bytes += f.len; /* parts of one file: no overflow */
        } else if (f.number == MODEL_TRAINER) {
            st = read_trainer(&f, s, file, err);
        } else if (f.number == MODEL_NORMALIZER) {
            st = read_normalizer(&f, s, file, err);
        }
        if (st != CRIL_OK)
            return st;
    }
    if (!file->n)
        return damaged(s, err);
    return check_options(s, file, err);
}

/* ---- Pieces ---- */

static cril_status read_piece(const struct cril_field *part, size_t i, struct cril_spec *s,
                              struct cril_bytes *name, cril_error *err)
{
    struct cril_cursor c = cril_cursor_of(part->data, part->len);
    uint64_t type = TOKEN_NORMAL;
    struct cril_field f;

    *name = (struct cril_bytes){"", 0};
    while (cril_cursor_left(&c)) {
        if (!cril_field_take(&c, &f))
            return damaged(s, err);
        if (f.number == PIECE_TEXT && f.wire == CRIL_WIRE_BYTES && f.len) {
            *name = bytes_of(&f);
        } else if (f.number == PIECE_SCORE) {
            const uint32_t bits = (uint32_t)f.value;
            float score;

            memcpy(&score, &bits, sizeof(score));
            s->scores[i] = (double)score;
        } else if (f.number == PIECE_TYPE) {
            type = f.value;
        }
    }
    if (!type || type > TOKEN_BYTE || !isfinite(s->scores[i]) ||
        (type == TOKEN_BYTE && cril_byte_of_name(name->data, name->len) < 0))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: piece %zu has a type or a score that none has",
                         s->path, i);
    s->types[i] = (uint8_t)type;
    return CRIL_OK;
}

static void note_special(struct cril_spec *s, const struct file *file, size_t i,
                         struct cril_bytes name)
{
    if (s->types[i] == TOKEN_UNKNOWN)
        s->unknown = (int32_t)i;
    if (s->types[i] == TOKEN_CONTROL && name.len && cril_bytes_same(name, file->bos))
        s->bos = (int32_t)i;
    if (s->types[i] == TOKEN_CONTROL && name.len && cril_bytes_same(name, file->eos))
        s->eos = (int32_t)i;
}

static cril_status read_pieces(const uint8_t *data, size_t len, struct cril_spec *s,
                               const struct file *file, struct cril_bytes *names, char *out,
                               cril_error *err)
{
    struct cril_cursor c = cril_cursor_of(data, len);
    struct cril_field f;
    cril_status st;

    for (size_t i = 0; cril_cursor_left(&c) && cril_field_take(&c, &f);) {
        if (f.number != MODEL_PIECES)
            continue;
        if ((st = read_piece(&f, i, s, &names[i], err)) != CRIL_OK)
            return st;
        out = cril_spec_put_sentence(s, i, names[i], out);
        note_special(s, file, i, names[i]);
        i++;
    }
    return cril_spec_add_by_type(s, names, err);
}

bool cril_spec_is_sentencepiece(const uint8_t *data, size_t len)
{
    return len && data[0] == (MODEL_PIECES << 3 | CRIL_WIRE_BYTES);
}

cril_status cril_spec_read_sentencepiece(const uint8_t *data, size_t len, struct cril_spec *s,
                                         cril_error *err)
{
    struct file file = {
        .model_type = TYPE_UNIGRAM, .escapes = true, .bos = {"<s>", 3}, .eos = {"</s>", 4}};
    struct cril_bytes *names;
    char *out, *map;
    cril_status st;

    s->spaces = s->fuses_unknown = true;
    s->sentence = (struct spec_sentence){.used = true, .prefix = true, .squeeze = true};
    if ((st = read_options(data, len, s, &file, err)) != CRIL_OK ||
        (st = cril_spec_extend(s, file.n, err)) != CRIL_OK)
        return st;
    s->starts_blank = s->sentence.prefix;
    names = cril_arena_take(&s->arena, file.n, sizeof(*names));
    out = cril_arena_take(&s->arena, file.bytes, 1);
    map = cril_arena_text(&s->arena, s->sentence.charsmap.data, s->sentence.charsmap.len);
    if (!names || !out || !map)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu pieces", s->path, file.n);
    s->sentence.charsmap.data = map;
    if ((st = read_pieces(data, len, s, &file, names, out, err)) != CRIL_OK)
        return st;
    if (!file.byte_fallback)
        memset(s->byte_token, -1, sizeof(s->byte_token));
    return CRIL_OK;
}
