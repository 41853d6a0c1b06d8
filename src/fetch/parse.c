/*
 * Names as users write them: "hf:", "hf://", and addresses pasted from a browser.
 *
 * The form with "hf:" is that of huggingface_hub's URIs, with ":TYPE" added. A revision that holds
 * a slash is written with %2F, as the hub does, but for refs/pr/N and refs/convert/NAME.
 */
#include "fetch/names.h"
#include "fetch/place.h"

#include "util/fail.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

bool cril_hub_is_name(const char *text)
{
    return text && (strncmp(text, "hf:", 3) == 0 || strncasecmp(text, "https://", 8) == 0 ||
                    strncasecmp(text, "http://", 7) == 0);
}

static cril_status bad_name(const char *text, const char *why, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%.300s: %s; a model on the hub is named hf:owner/name, then "
                     "@revision and then /FILE.gguf or :TYPE where they are needed",
                     text, why);
}

/* ---- parts of names ---- */

static bool is_repository_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* The rules of the hub for an owner or a name. */
static bool is_repository_part(const char *part, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_repository_char(part[i]) ||
            (i && part[i] == part[i - 1] && (part[i] == '-' || part[i] == '.')))
            return false;
    return len && !strchr("-.", part[0]) && !strchr("-.", part[len - 1]);
}

static unsigned hex_digit(char c)
{
    return (unsigned)(isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10);
}

/* Hex digits behind '%' become bytes. False: NUL, or too long for out [size]. */
static bool decode(const char *text, size_t len, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < len; n++) {
        unsigned byte = (unsigned char)text[i];

        if (text[i] == '%' && i + 2 < len && isxdigit((unsigned char)text[i + 1]) &&
            isxdigit((unsigned char)text[i + 2])) {
            byte = hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]);
            i += 3;
        } else {
            i++;
        }
        if (!byte || n + 1 >= size)
            return false;
        out[n] = (char)byte;
    }
    out[n] = '\0';
    return true;
}

/* What git and a folder allow for the name of a revision. */
static bool is_revision(const char *text)
{
    const size_t len = strlen(text);

    return cril_hub_path_is_safe(text) && !strpbrk(text, " ~^:?*[\\") && !strstr(text, "..") &&
           text[0] != '-' && text[len - 1] != '.';
}

/* Bytes of the revision at text: up to a slash, unless it is one of the hub's own. */
static size_t revision_len(const char *text)
{
    static const char *const own[] = {"refs/pr/", "refs/convert/"};
    size_t skip = 0;

    for (int i = 0; i < 2; i++)
        if (strncmp(text, own[i], strlen(own[i])) == 0)
            skip = strlen(own[i]);
    return skip + strcspn(text + skip, "/:");
}

static cril_status read_revision(const char *whole, const char **text, cril_hub_name *out,
                                 cril_error *err)
{
    const size_t len = revision_len(*text);

    if (!decode(*text, len, out->revision, sizeof(out->revision)) || !is_revision(out->revision))
        return bad_name(whole, "has a revision that no repository can have", err);
    *text += len;
    return CRIL_OK;
}

static cril_status read_repository(const char *whole, const char **text, cril_hub_name *out,
                                   cril_error *err)
{
    const size_t owner = strcspn(*text, "/@:?#");
    const char *name = *text + owner + 1;
    size_t len;

    if ((*text)[owner] != '/' || !name[0])
        return bad_name(whole, "names no repository of an owner", err);
    len = strcspn(name, "/@:?#");
    if (!is_repository_part(*text, owner) || !is_repository_part(name, len) ||
        owner + 1 + len >= sizeof(out->repository))
        return bad_name(whole, "names a repository that the hub cannot have", err);
    memcpy(out->repository, *text, owner + 1 + len);
    out->repository[owner + 1 + len] = '\0';
    *text = name + len;
    return CRIL_OK;
}

static cril_status read_file(const char *whole, const char *text, cril_hub_name *out,
                             cril_error *err)
{
    if (!decode(text, strlen(text), out->file, sizeof(out->file)) ||
        !cril_hub_path_is_safe(out->file))
        return bad_name(whole, "names a file that no repository can have", err);
    if (cril_hub_is_description(out->file) || cril_hub_is_weights(out->file))
        out->file[0] = '\0'; /* a folder is named by a file in it */
    else if (!cril_hub_is_gguf(out->file))
        return bad_name(whole, "names a file that is no GGUF file and not of a model's folder",
                        err);
    return CRIL_OK;
}

static cril_status read_type(const char *whole, const char *text, cril_hub_name *out,
                             cril_error *err)
{
    size_t len = 0;

    while (is_repository_char(text[len]))
        len++;
    if (!len || text[len] || len >= sizeof(out->type))
        return bad_name(whole, "has no type such as Q4_K_M behind its colon", err);
    memcpy(out->type, text, len + 1);
    return CRIL_OK;
}

/* ---- the two forms ---- */

static const char *skip(const char *text, const char *start)
{
    const size_t n = strlen(start);

    return strncasecmp(text, start, n) == 0 ? text + n : text;
}

/* The hub holds other things than models, under addresses of their own. */
static cril_status check_kind(const char *whole, const char *text, cril_error *err)
{
    static const char *const kinds[] = {"datasets/", "spaces/", "kernels/", "buckets/",
                                        "collections/"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (skip(text, kinds[i]) != text)
            return bad_name(whole, "is an address of the hub, and not of a model", err);
    return CRIL_OK;
}

static cril_status parse_uri(const char *whole, cril_hub_name *out, cril_error *err)
{
    const char *text = skip(skip(whole + 3, "//"), "models/");
    cril_status st;

    if ((st = check_kind(whole, text, err)) != CRIL_OK ||
        (st = read_repository(whole, &text, out, err)) != CRIL_OK)
        return st;
    if (*text == '@') {
        text++;
        if ((st = read_revision(whole, &text, out, err)) != CRIL_OK)
            return st;
    }
    if (*text == ':')
        return read_type(whole, text + 1, out, err);
    if (*text == '/' && text[1])
        return read_file(whole, text + 1, out, err);
    if (*text && *text != '/')
        return bad_name(whole, "goes on after its repository in a way that is not known", err);
    return CRIL_OK;
}

/* The path of an address on the hub. NULL: the address of another server. */
static const char *path_on_hub(const char *text, const char *endpoint)
{
    static const char *const hosts[] = {"https://huggingface.co/", "https://www.huggingface.co/",
                                        "https://hf.co/", "http://huggingface.co/"};
    const size_t n = strlen(endpoint);

    if (strncasecmp(text, endpoint, n) == 0 && text[n] == '/')
        return text + n + 1;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
        if (skip(text, hosts[i]) != text)
            return skip(text, hosts[i]);
    return NULL;
}

/* What follows the repository in an address: "/blob/REVISION/FILE" and the like. */
static cril_status read_route(const char *whole, const char *text, cril_hub_name *out,
                              cril_error *err)
{
    static const char *const of_files[] = {"/blob/", "/resolve/", "/raw/", "/blame/"};
    const char *at = skip(text, "/tree/");
    const bool tree = at != text;
    cril_status st;

    for (int i = 0; i < 4; i++)
        at = at == text ? skip(text, of_files[i]) : at;
    if (at == text)
        return strcmp(text, "") == 0 || strcmp(text, "/") == 0
                   ? CRIL_OK
                   : bad_name(whole, "is an address of neither a repository nor a file of it", err);
    if ((st = read_revision(whole, &at, out, err)) != CRIL_OK)
        return st;
    at = skip(at, "/");
    if (tree && *at)
        return bad_name(whole, "is the address of a folder in a repository", err);
    return *at ? read_file(whole, at, out, err) : CRIL_OK;
}

static cril_status parse_address(const char *whole, const char *endpoint, cril_hub_name *out,
                                 cril_error *err)
{
    const char *at = path_on_hub(whole, endpoint);
    char plain[2048];
    size_t len;
    cril_status st;

    if (!at)
        return bad_name(whole, "is an address that is not on the hub", err);
    len = strcspn(at, "?#");
    if (len >= sizeof(plain))
        return bad_name(whole, "is too long", err);
    memcpy(plain, at, len);
    plain[len] = '\0';
    at = plain;
    if ((st = check_kind(whole, at, err)) != CRIL_OK ||
        (st = read_repository(whole, &at, out, err)) != CRIL_OK)
        return st;
    return read_route(whole, at, out, err);
}

cril_status cril_hub_name_parse(const char *text, cril_hub_name *out, cril_error *err)
{
    cril_hub_name name = {.revision = "main"};
    char endpoint[CRIL_HUB_ENDPOINT];
    cril_status st;

    if (CRIL_LACKS(err, text, out))
        return CRIL_ERR_RANGE;
    if ((st = cril_hub_endpoint(endpoint, err)) != CRIL_OK)
        return st;
    if (!cril_hub_is_name(text))
        return bad_name(text, "names no model on the hub", err);
    st = strncmp(text, "hf:", 3) == 0 ? parse_uri(text, &name, err)
                                      : parse_address(text, endpoint, &name, err);
    if (st == CRIL_OK)
        *out = name;
    return st;
}
