#include "formats/folder_path.h"

#include "formats/members.h"
#include "formats/source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file that names its folder. */
static const char *const naming[] = {"config.json",
                                     "*.safetensors",
                                     "*.safetensors.index.json",
                                     "tokenizer.json",
                                     "tokenizer.model",
                                     "tokenizer_config.json",
                                     "generation_config.json",
                                     "adapter_config.json",
                                     "pytorch_model*.bin",
                                     "pytorch_model*.bin.index.json"};

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static const char *last_part(const char *path)
{
    const char *const slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Whether files of the last part's name stand for their folders. */
static bool is_naming(const char *path)
{
    for (size_t i = 0; i < sizeof(naming) / sizeof(naming[0]); i++)
        if (cril_member_matches(naming[i], last_part(path)))
            return true;
    return false;
}

const char *cril_folder_member(const char *path)
{
    return is_naming(path) && !is_folder(path) ? last_part(path) : NULL;
}

bool cril_folder_claims(const char *path)
{
    return is_naming(path) || is_folder(path);
}

char *cril_folder_of(const char *path, struct cril_arena *arena)
{
    const size_t len = is_folder(path) ? strlen(path) : (size_t)(last_part(path) - path);
    char *const text = cril_arena_take(arena, len + 2, 1);

    if (text)
        memcpy(text, path, len);
    if (text && len && text[len - 1] != '/')
        text[len] = '/';
    return text;
}

/* The last part of a path, without slashes behind it; empty: it has none. */
static struct cril_bytes last_part_of(struct cril_bytes path)
{
    size_t at;

    while (path.len && path.data[path.len - 1] == '/')
        path.len--;
    for (at = path.len; at && path.data[at - 1] != '/'; at--)
        ;
    return (struct cril_bytes){path.data + at, path.len - at};
}

/* Of a part "models--OWNER--NAME" that stands before "snapshots" and the last part, NAME; else the
 * last part. */
static struct cril_bytes name_of(struct cril_bytes path)
{
    const struct cril_bytes last = last_part_of(path),
                            parent = last_part_of(
                                (struct cril_bytes){path.data, (size_t)(last.data - path.data)}),
                            above = last_part_of(
                                (struct cril_bytes){path.data, (size_t)(parent.data - path.data)});
    size_t at = above.len;

    if (!cril_bytes_are(parent, "snapshots") || !cril_bytes_start_with(above, "models--"))
        return last;
    while (memcmp(above.data + at - 2, "--", 2) != 0)
        at--;
    return (struct cril_bytes){above.data + at, above.len - at};
}

char *cril_source_folder_name(const char *path, struct cril_arena *arena)
{
    const size_t len = is_naming(path) ? (size_t)(last_part(path) - path) : strlen(path);
    const struct cril_bytes name = name_of((struct cril_bytes){path, len});

    return cril_arena_text(arena, name.data, name.len);
}
