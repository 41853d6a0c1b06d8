/* Inputs that are read more than once: see twice.h. */
#include "sample/twice.h"

#include "gather/card.h"
#include "util/fail.h"

#include <cril/corpus.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static cril_status check_file(const char *path, cril_error *err)
{
    struct stat info;

    if (strcmp(path, "-") == 0)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "standard input: is read more than once here; write it to a file first");
    if (stat(path, &info) != 0)
        return cril_fail(err, CRIL_ERR_IO, "%s: %s", path, strerror(errno));
    return S_ISREG(info.st_mode) ? CRIL_OK
                                 : cril_fail(err, CRIL_ERR_RANGE,
                                             "%s: is no regular file, and is read more than once "
                                             "here",
                                             path);
}

cril_status cril_twice_open(const cril_sample_input *input, struct cril_twice *out, cril_error *err)
{
    const char *slash;
    cril_status st;

    *out = (struct cril_twice){0};
    if (CRIL_LACKS(err, input->path))
        return CRIL_ERR_RANGE;
    if ((st = check_file(input->path, err)) != CRIL_OK)
        return st;
    slash = strrchr(input->path, '/');
    out->path = input->path;
    out->name = slash ? slash + 1 : input->path;
    return input->card ? cril_card_parse(input->path, input->card, &out->card, err) : CRIL_OK;
}

void cril_twice_close(struct cril_twice *t)
{
    cril_entries_close(t->entries);
    json_decref(t->card);
    *t = (struct cril_twice){0};
}

static cril_status begin(struct cril_twice *t, cril_error *err)
{
    const cril_status st = cril_entries_open(t->path, &t->entries, err);

    if (st != CRIL_OK)
        return st;
    cril_entries_allow_any(t->entries);
    t->bytes = cril_entries_size(t->entries);
    t->documents = t->characters = 0;
    return CRIL_OK;
}

static cril_status end(struct cril_twice *t, cril_error *err)
{
    const char *wanted =
        json_string_value(json_object_get(json_object_get(t->card, "corpus"), "sha256"));
    char sha256[65];
    const cril_status st = cril_entries_sha256(t->entries, sha256, err);

    if (st != CRIL_OK)
        return st;
    cril_entries_close(t->entries);
    t->entries = NULL;
    if (t->card && (!wanted || strcmp(sha256, wanted) != 0))
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: is not the corpus that its card is of: its SHA-256 is another; make "
                         "it again, or remove the card",
                         t->path);
    if (*t->sha256 && strcmp(sha256, t->sha256) != 0)
        return cril_fail(err, CRIL_ERR_MISMATCH, "%s: changed while it was read", t->path);
    memcpy(t->sha256, sha256, sizeof(sha256));
    return CRIL_OK;
}

cril_status cril_twice_next(struct cril_twice *t, struct cril_entry *e, cril_error *err)
{
    cril_status st;

    *e = (struct cril_entry){0};
    if (!t->entries && (st = begin(t, err)) != CRIL_OK)
        return st;
    do {
        if ((st = cril_entries_next(t->entries, e, err)) != CRIL_OK)
            return st;
    } while (e->text && !e->len);
    if (!e->text)
        return end(t, err);
    if (!e->field[CRIL_ENTRY_SOURCE])
        e->field[CRIL_ENTRY_SOURCE] = t->name;
    t->documents++;
    t->characters += cril_count_characters(e->text, e->len);
    return CRIL_OK;
}

double cril_twice_fraction(const struct cril_twice *t)
{
    return t->entries && t->bytes ? (double)cril_entries_taken(t->entries) / (double)t->bytes : 0;
}

json_t *cril_twice_json(const struct cril_twice *t)
{
    return json_pack("{s:s, s:I, s:s, s:I, s:I, s:O?}", "name", t->name, "bytes",
                     (json_int_t)t->bytes, "sha256", t->sha256, "documents",
                     (json_int_t)t->documents, "characters", (json_int_t)t->characters, "card",
                     t->card);
}
