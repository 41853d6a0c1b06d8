/*
 * The rules for names. Git allows nearly any path in a repository; a server may send any at all.
 * What becomes a file's name here is checked once, by cril_hub_path_is_safe.
 */
#include "fetch/names.h"

#include "util/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_PATH_BYTES = 1023, MAX_PART_BYTES = 255 };

static bool part_is_safe(const char *part, size_t len)
{
    return len > 0 && len <= MAX_PART_BYTES && !(part[0] == '.' && len == 1) &&
           !(part[0] == '.' && part[1] == '.' && len == 2);
}

bool cril_hub_path_is_safe(const char *path)
{
    const size_t len = strlen(path);
    uint32_t code;

    if (len > MAX_PATH_BYTES)
        return false;
    for (size_t i = 0; i < len;) {
        i += cril_utf8_read(path + i, len - i, &code);
        if (code == CRIL_UTF8_ILL || code < 0x20 || (code >= 0x7f && code < 0xa0))
            return false;
    }
    for (;;) {
        const size_t n = strcspn(path, "/");

        if (!part_is_safe(path, n))
            return false;
        if (!path[n])
            return true;
        path += n + 1;
    }
}

bool cril_hub_is_hex(const char *text, size_t digits)
{
    return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text), n = strlen(end);

    return len > n && strcasecmp(text + len - n, end) == 0;
}

bool cril_hub_is_gguf(const char *path)
{
    return ends_with(path, ".gguf");
}

/* Whether text is form, where '#' stands for a digit. */
static bool has_form(const char *text, const char *form)
{
    if (strlen(text) != strlen(form))
        return false;
    for (; *form; text++, form++)
        if (*form == '#' ? !isdigit((unsigned char)*text) : *text != *form)
            return false;
    return true;
}

static unsigned five_digits(const char *text)
{
    unsigned v = 0;

    for (int i = 0; i < 5; i++)
        v = 10 * v + (unsigned)(text[i] - '0');
    return v;
}

bool cril_hub_part_of(const char *path, struct cril_hub_part *out)
{
    static const char form[] = "-#####-of-#####.gguf";
    const size_t len = strlen(path), n = sizeof(form) - 1;

    if (len <= n || !has_form(path + len - n, form))
        return false;
    path += len - n;
    *out = (struct cril_hub_part){len - n, five_digits(path + 1), five_digits(path + 10)};
    return out->number >= 1 && out->number <= out->count;
}

bool cril_hub_is_description(const char *path)
{
    static const char *const names[] = {
        "config.json",         "generation_config.json",      "tokenizer_config.json",
        "tokenizer.json",      "special_tokens_map.json",     "tokenizer.model",
        "vocab.json",          "added_tokens.json",           "merges.txt",
        "adapter_config.json", "model.safetensors.index.json"};

    if (strchr(path, '/'))
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    return ends_with(path, ".tiktoken");
}

/* Moves behind the text at *at. */
static bool read_text(const char **at, const char *text)
{
    const size_t n = strlen(text);

    if (strncmp(*at, text, n) != 0)
        return false;
    *at += n;
    return true;
}

/* The same of a number, of one to nine digits. */
static bool read_number(const char **at, unsigned *out)
{
    const size_t n = strspn(*at, "0123456789");

    *out = 0;
    if (!n || n > 9)
        return false;
    for (size_t i = 0; i < n; i++)
        *out = 10 * *out + (unsigned)(*(*at)++ - '0');
    return true;
}

bool cril_hub_shard_of(const char *path, unsigned *count)
{
    unsigned number, of;

    if (!read_text(&path, "model-") || !read_number(&path, &number) || !read_text(&path, "-of-") ||
        !read_number(&path, &of) || strcmp(path, ".safetensors") != 0)
        return false;
    *count = of;
    return true;
}

bool cril_hub_is_weights(const char *path)
{
    unsigned count;

    return strcmp(path, "model.safetensors") == 0 || cril_hub_shard_of(path, &count);
}

const char *cril_hub_spoken(const cril_hub_name *name, char out[CRIL_HUB_SPOKEN])
{
    const bool is_main = strcmp(name->revision, "main") == 0;

    snprintf(out, CRIL_HUB_SPOKEN, "hf:%s%s%s%s%s%s%s", name->repository, is_main ? "" : "@",
             is_main ? "" : name->revision, name->file[0] ? "/" : "", name->file,
             name->type[0] ? ":" : "", name->type);
    return out;
}
