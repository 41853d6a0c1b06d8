/*
 * The variables that huggingface_hub reads (its constants.py), in its order. One that is set to an
 * empty text counts as not set.
 */
#include "fetch/place.h"

#include "util/fail.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_STALL_SEC = 30, MAX_STALL_SEC = 3600 };

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static bool is_true(const char *name)
{
    static const char *const words[] = {"1", "ON", "YES", "TRUE"};
    const char *value = variable(name);

    for (int i = 0; value && i < 4; i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

/* base, of which a "~" in front is the home folder, and below, which may be "". */
static cril_status join(const char *base, const char *below, char out[CRIL_HUB_FOLDER],
                        cril_error *err)
{
    const bool at_home = base[0] == '~' && (base[1] == '/' || !base[1]);
    const char *home = at_home ? variable("HOME") : "";
    int n;

    if (!home)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "HOME is not set, so the hub's cache has no place; set HF_HUB_CACHE");
    n = snprintf(out, CRIL_HUB_FOLDER, "%s%s%s", home, base + at_home, below);
    if (n < 0 || n >= CRIL_HUB_FOLDER)
        return cril_fail(err, CRIL_ERR_RANGE, "%.80s...: is too long for a folder", base);
    return CRIL_OK;
}

/* A path below HF_HOME. */
static cril_status below_home(const char *below, char out[CRIL_HUB_FOLDER], cril_error *err)
{
    const char *base;
    char longer[64];

    if ((base = variable("HF_HOME")) != NULL)
        return join(base, below, out, err);
    snprintf(longer, sizeof(longer), "/huggingface%s", below);
    if ((base = variable("XDG_CACHE_HOME")) != NULL)
        return join(base, longer, out, err);
    return join("~/.cache", longer, out, err);
}

static cril_status read_cache(char out[CRIL_HUB_FOLDER], cril_error *err)
{
    const char *base = variable("HF_HUB_CACHE");

    if (!base)
        base = variable("HUGGINGFACE_HUB_CACHE");
    return base ? join(base, "", out, err) : below_home("/hub", out, err);
}

cril_status cril_hub_endpoint(char out[CRIL_HUB_ENDPOINT], cril_error *err)
{
    const char *value = variable("HF_ENDPOINT");
    size_t len;

    if (!value)
        value = "https://huggingface.co";
    for (len = strlen(value); len && value[len - 1] == '/';)
        len--;
    if ((strncasecmp(value, "https://", 8) != 0 && strncasecmp(value, "http://", 7) != 0) ||
        len >= CRIL_HUB_ENDPOINT || strpbrk(value, "@?# \t\r\n"))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "HF_ENDPOINT is \"%.100s\", not an address such as https://huggingface.co",
                         value);
    memcpy(out, value, len);
    out[len] = '\0';
    return CRIL_OK;
}

/* A token without white space around it; it becomes a header, so it holds no other. */
static cril_status keep_token(const char *text, size_t len, const char *from, char *out,
                              cril_error *err)
{
    while (len && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    if (len >= CRIL_HUB_TOKEN)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: is too long for a token", from);
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return cril_fail(err, CRIL_ERR_RANGE, "%s: holds a byte that no token has", from);
    memcpy(out, text, len);
    out[len] = '\0';
    return CRIL_OK;
}

cril_status cril_hub_token(char out[CRIL_HUB_TOKEN], cril_error *err)
{
    char path[CRIL_HUB_FOLDER], text[CRIL_HUB_TOKEN + 64];
    const char *value = variable("HF_TOKEN");
    cril_status st;
    size_t len;
    FILE *f;

    out[0] = '\0';
    if (is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
        return CRIL_OK;
    if (value)
        return keep_token(value, strlen(value), "HF_TOKEN", out, err);
    value = variable("HF_TOKEN_PATH");
    if ((st = value ? join(value, "", path, err) : below_home("/token", path, err)) != CRIL_OK)
        return st;
    if (!(f = fopen(path, "rb"))) /* most have none */
        return CRIL_OK;
    len = fread(text, 1, sizeof(text), f);
    fclose(f);
    return keep_token(text, len, path, out, err);
}

static unsigned read_stall(void)
{
    const char *value = variable("HF_HUB_DOWNLOAD_TIMEOUT");
    const long sec = value ? strtol(value, NULL, 10) : 0;

    return sec >= 1 && sec <= MAX_STALL_SEC ? (unsigned)sec : DEFAULT_STALL_SEC;
}

cril_status cril_hub_place_read(struct cril_hub_place *out, cril_error *err)
{
    cril_status st;

    *out = (struct cril_hub_place){.is_offline =
                                       is_true("HF_HUB_OFFLINE") || is_true("TRANSFORMERS_OFFLINE"),
                                   .stall_sec = read_stall()};
    st = read_cache(out->cache, err);
    return st == CRIL_OK ? cril_hub_endpoint(out->endpoint, err) : st;
}
