/*
 * The step that keeps documents in some languages, by libexttextcat: Cavnar and Trenkle 1994,
 * "N-gram-based text categorization", with LibreOffice's fingerprints. Which fingerprints there are
 * is the library's data package's; its version is in the card.
 *
 * The classifier reads its handle and nothing else, so threads share one. It does not look whether
 * it has got memory.
 */
#include "gather/step.h"

#include "util/fail.h"
#include "util/nearest.h"
#include "util/number.h"
#include "util/utf8.h"

#include <libexttextcat/textcat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "/usr/share/libexttextcat/"

enum { CLASSIFIED_BYTES = 600, MIN_BYTES = 40, MAX_LANGUAGES = 256, NAME_BYTES = 16 };

enum { OTHER_LANGUAGE, UNKNOWN_LANGUAGE };

struct run {
    void *classifier;
    char wanted[MAX_LANGUAGES][NAME_BYTES]; /* [n_wanted] */
    size_t n_wanted;
};

/* ---- which languages ---- */

/* "de" of the fingerprint "de--utf8". False: the line has none. */
static bool read_language(const char *line, char out[NAME_BYTES])
{
    char file[64], name[64];
    size_t n;

    if (sscanf(line, " %63[^# \t\n] %63[^# \t\n]", file, name) != 2)
        return false;
    n = strcspn(name, "-");
    if (!n || n >= NAME_BYTES)
        return false;
    memcpy(out, name, n);
    out[n] = '\0';
    return true;
}

/* Whether there is a fingerprint of the language; nearest: of those that there are. */
static cril_status find_language(const char *wanted, bool *found, struct cril_nearest_name *nearest,
                                 char best[NAME_BYTES], cril_error *err)
{
    FILE *f = fopen(FOLDER "fpdb.conf", "r");
    char line[1024], name[NAME_BYTES];

    *found = false;
    if (!f)
        return cril_fail(err, CRIL_ERR_IO,
                         "the fingerprints of languages are not in " FOLDER
                         "; install the Debian package libexttextcat-data");
    while (!*found && fgets(line, sizeof(line), f)) {
        if (!read_language(line, name))
            continue;
        *found = strcmp(name, wanted) == 0;
        cril_nearest_name_offer(nearest, name);
        if (nearest->best == name) { /* the name does not stay */
            memcpy(best, name, sizeof(name));
            nearest->best = best;
        }
    }
    fclose(f);
    return CRIL_OK;
}

static cril_status add_language(struct run *r, const char *wanted, cril_error *err)
{
    struct cril_nearest_name nearest = {.word = wanted};
    char best[NAME_BYTES];
    bool found;
    const cril_status st = find_language(wanted, &found, &nearest, best, err);

    if (st != CRIL_OK)
        return st;
    if (!found && nearest.best)
        return cril_fail(err, CRIL_ERR_RANGE, "no language '%.20s' is known, the nearest is '%s'",
                         wanted, nearest.best);
    if (!found || r->n_wanted == MAX_LANGUAGES)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "no language '%.20s' is known; languages are named by codes such as 'en'",
                         wanted);
    strcpy(r->wanted[r->n_wanted++], wanted);
    return CRIL_OK;
}

/* ---- the step ---- */

static void release(void *run)
{
    struct run *r = run;

    if (r->classifier)
        textcat_Done(r->classifier);
    free(r);
}

static cril_status create(const struct cril_step_options *o, void **run, cril_error *err)
{
    struct run *r = calloc(1, sizeof(*r));
    cril_status st = CRIL_OK;

    if (!r)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    if (!o->n_languages)
        st = cril_fail(err, CRIL_ERR_RANGE, "the step language needs languages (--language)");
    for (size_t i = 0; i < o->n_languages && st == CRIL_OK; i++)
        st = add_language(r, o->languages[i], err);
    if (st == CRIL_OK && !(r->classifier = special_textcat_Init(FOLDER "fpdb.conf", FOLDER)))
        st = cril_fail(err, CRIL_ERR_IO,
                       FOLDER "fpdb.conf: cannot be read; install the Debian package "
                              "libexttextcat-data anew");
    if (st == CRIL_OK)
        *run = r;
    else
        release(r);
    return st;
}

/* The beginning of a text, as whole characters, with a NUL behind, and none in it. */
static char *beginning(struct cril_draft *d, cril_error *err)
{
    size_t n = d->len < CLASSIFIED_BYTES ? d->len : CLASSIFIED_BYTES;
    char *text = cril_draft_work(d, 0, CLASSIFIED_BYTES + 1, 1, err);

    if (!text)
        return NULL;
    while (n < d->len && n && ((uint8_t)d->text[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(d->text[i] ? d->text[i] : ' ');
    text[n] = '\0';
    return text;
}

static bool is_wanted(const struct run *r, const char *fingerprint)
{
    char line[80], language[NAME_BYTES];

    snprintf(line, sizeof(line), "- %s", fingerprint);
    if (!read_language(line, language))
        return false;
    for (size_t i = 0; i < r->n_wanted; i++) {
        if (strcmp(r->wanted[i], language) == 0)
            return true;
    }
    return false;
}

/* A text fits the best language and those within 3 % of it; one that fits more than five fits
 * none. *fits: how many; *wanted: whether a wanted one is among them. */
static cril_status classify(const struct run *r, const char *text, int *fits, bool *wanted,
                            cril_error *err)
{
    candidate_t *candidates = textcat_GetClassifyFullOutput(r->classifier);
    locale_t before;

    if (!candidates)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    before = cril_c_locale_begin(); /* what is white space */
    *fits = textcat_ClassifyFull(r->classifier, text, strlen(text), candidates);
    cril_c_locale_end(before);
    for (int i = 0; i < *fits && !*wanted; i++)
        *wanted = is_wanted(r, candidates[i].name);
    textcat_ReleaseClassifyFullOutput(r->classifier, candidates);
    return CRIL_OK;
}

static cril_status choose(void *run, struct cril_draft *d, uint64_t *by, bool *keep,
                          cril_error *err)
{
    const char *text = beginning(d, err);
    cril_status st;
    int fits = 0;

    if (!text)
        return CRIL_ERR_NOMEM;
    *keep = false;
    if (strlen(text) >= MIN_BYTES && (st = classify(run, text, &fits, keep, err)) != CRIL_OK)
        return st;
    by[OTHER_LANGUAGE] += !*keep && fits > 0;
    by[UNKNOWN_LANGUAGE] += !*keep && fits <= 0;
    return CRIL_OK;
}

const char *cril_language_version(void)
{
    return textcat_Version();
}

const struct cril_step cril_step_language = {
    .name = "language",
    .what = "Documents were dropped whose beginning fits other languages, or none.",
    .kinds = CRIL_STEP_PROSE | CRIL_STEP_JSONL,
    .reasons = {"other_language", "unknown_language"},
    .n_drops = 2,
    .create = create,
    .apply = choose,
    .free = release,
};
