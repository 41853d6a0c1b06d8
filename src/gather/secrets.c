/*
 * The step that replaces what gives access to something: private keys, and tokens whose form their
 * issuers publish (GitHub's list of secret scanning patterns). A password that has no form is not
 * found.
 */
#include "gather/step.h"

#include <string.h>

enum { PRIVATE_KEY, TOKEN, PASSWORD };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* A start, then so many bytes of a set; more than max is none. */
static const struct token {
    const char *start, *set;
    size_t min, max;
} tokens[] = {
    {"AKIA", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 16, 16}, /* AWS */
    {"ASIA", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 16, 16},
    {"ghp_", LETTERS, 36, 255}, /* GitHub */
    {"gho_", LETTERS, 36, 255},
    {"ghu_", LETTERS, 36, 255},
    {"ghs_", LETTERS, 36, 255},
    {"ghr_", LETTERS, 36, 255},
    {"github_pat_", LETTERS "_", 59, 255},
    {"glpat-", LETTERS "_-", 20, 64}, /* GitLab */
    {"xoxb-", LETTERS "-", 20, 255},  /* Slack */
    {"xoxp-", LETTERS "-", 20, 255},
    {"AIza", LETTERS "_-", 35, 35}, /* Google */
    {"sk_live_", LETTERS, 24, 255}, /* Stripe */
    {"hf_", LETTERS, 34, 40},       /* Hugging Face */
    {"npm_", LETTERS, 36, 36},
};

static const char token_in_place[] = "SECRET_TOKEN", key_in_place[] = "SECRET_PRIVATE_KEY",
                  password_in_place[] = "SECRET";

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static bool starts(const char *text, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static size_t run_of(const char *text, size_t len, const char *set)
{
    size_t n = 0;

    while (n < len && text[n] && strchr(set, text[n]))
        n++;
    return n;
}

/* Bytes of the token that begins here; 0: none does. */
static size_t token_at(const char *text, size_t len)
{
    for (size_t i = 0; i < COUNT(tokens); i++) {
        const size_t start = strlen(tokens[i].start);
        size_t n;

        if (!starts(text, len, tokens[i].start))
            continue;
        n = run_of(text + start, len - start, tokens[i].set);
        if (n >= tokens[i].min && n <= tokens[i].max)
            return start + n;
    }
    return 0;
}

/* From "-----BEGIN ... PRIVATE KEY-----" to the end of its last line, or of the text. */
static size_t key_at(const char *text, size_t len)
{
    static const char begin[] = "-----BEGIN ", key[] = "PRIVATE KEY", end[] = "-----END ";
    size_t line = 0, n;

    if (!starts(text, len, begin))
        return 0;
    while (line < len && text[line] != '\n')
        line++;
    for (n = sizeof(begin) - 1; n < line && !starts(text + n, line - n, key); n++) {
    }
    if (n == line)
        return 0;
    for (n = line; n < len && !starts(text + n, len - n, end); n++) {
    }
    while (n < len && text[n] != '\n')
        n++;
    return n;
}

/* "user:password@" behind "://": where the password is. False: there is none. */
static bool password_at(const char *text, size_t len, struct cril_span *found)
{
    size_t n = 3;

    if (!starts(text, len, "://"))
        return false;
    n += run_of(text + n, len - n, LETTERS "._%+-");
    if (n == 3 || n >= len || text[n] != ':')
        return false;
    found->at = n + 1;
    found->n = run_of(text + n + 1, len - n - 1, LETTERS "._%+-!$&'()*,;=~");
    return found->n && found->at + found->n < len && text[found->at + found->n] == '@';
}

static bool is_word(char c)
{
    return c && strchr(LETTERS "_", c);
}

/* What stands at text + at and is to be replaced; [*n] bytes, by what is returned; NULL: nothing.
 */
static const char *secret_at(const char *text, size_t len, size_t *at, size_t *n, uint64_t *by)
{
    const char *here = text + *at;
    const size_t left = len - *at;
    struct cril_span password;

    if (*here == '-' && (*n = key_at(here, left))) {
        by[PRIVATE_KEY]++;
        return key_in_place;
    }
    if (*here == ':' && password_at(here, left, &password)) {
        *at += password.at;
        *n = password.n;
        by[PASSWORD]++;
        return password_in_place;
    }
    if ((!*at || !is_word(here[-1])) && (*n = token_at(here, left))) {
        by[TOKEN]++;
        return token_in_place;
    }
    return NULL;
}

static cril_status replace(void *run, struct cril_draft *d, uint64_t *by, bool *keep,
                           cril_error *err)
{
    const char *const text = d->text;
    const size_t len = d->len;
    size_t from = 0, out = 0, n = 0;
    char *room = NULL;

    (void)run;
    *keep = true;
    for (size_t at = 0; at < len;) {
        const char *in_place = secret_at(text, len, &at, &n, by);

        if (!in_place) {
            at++;
            continue;
        }
        /* Only a password may be shorter than what takes its place, by 5 bytes. */
        if (!room && !(room = cril_draft_room(d, 6 * len, err)))
            return CRIL_ERR_NOMEM;
        memcpy(room + out, text + from, at - from);
        out += at - from;
        memcpy(room + out, in_place, strlen(in_place));
        out += strlen(in_place);
        from = at += n;
    }
    if (!room)
        return CRIL_OK;
    memcpy(room + out, text + from, len - from);
    cril_draft_take(d, room, out + len - from);
    return CRIL_OK;
}

const struct cril_step cril_step_secrets = {
    .name = "secrets",
    .what = "Private keys, tokens of known forms, and passwords in addresses were replaced.",
    .kinds = CRIL_STEP_ALL,
    .on = CRIL_STEP_CODE,
    .reasons = {"private_keys", "tokens", "passwords"},
    .apply = replace,
};
