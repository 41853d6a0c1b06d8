/*
 * A stamp is FNV-1a (Fowler, Noll and Vo) over what stat(2) says. The time of the last change of
 * state counts beside that of the last change of content, since programs that copy set the latter
 * back. It tells accidents, not intentions: what decides is the SHA-256.
 */
#include "study/stamp.h"

#include "corpus/folder.h"
#include "formats/gguf.h"
#include "util/fail.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

static uint64_t mix(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t mix_file(uint64_t hash, const char *path, const struct stat *sb)
{
    const int64_t facts[] = {(int64_t)sb->st_dev,          (int64_t)sb->st_ino,
                             (int64_t)sb->st_size,         (int64_t)sb->st_mtim.tv_sec,
                             (int64_t)sb->st_mtim.tv_nsec, (int64_t)sb->st_ctim.tv_sec,
                             (int64_t)sb->st_ctim.tv_nsec};

    return mix(mix(hash, path, strlen(path) + 1), facts, sizeof(facts));
}

/* A folder's own times are left out: what is not read may come and go in it. */
static uint64_t mix_folder(uint64_t hash, const char *path)
{
    struct cril_folder f = {0};
    struct stat sb;

    if (cril_folder_list(path, &f, NULL) != CRIL_OK)
        hash = 0;
    for (size_t i = 0; i < f.n && hash; i++)
        hash = stat(f.paths[i], &sb) == 0 ? mix_file(hash, f.paths[i], &sb) : 0;
    cril_folder_free(&f);
    return hash;
}

/* One of a model's files; 0 where it cannot be looked at. */
static int mix_part(void *user, const char *path)
{
    uint64_t *hash = user;
    struct stat sb;

    *hash = stat(path, &sb) == 0 ? mix_file(*hash, path, &sb) : 0;
    return *hash == 0;
}

uint64_t cril_stamp(const char *path)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    struct stat sb;

    if (stat(path, &sb) != 0)
        return 0;
    if (S_ISDIR(sb.st_mode))
        return mix_folder(hash, path);
    return cril_gguf_each_file(path, mix_part, &hash, NULL) == CRIL_OK ? hash : 0;
}

cril_status cril_stamp_check(const char *path, uint64_t stamp, cril_error *err)
{
    return stamp && cril_stamp(path) == stamp ? CRIL_OK : cril_stamp_changed(path, err);
}

cril_status cril_stamp_changed(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_MISMATCH, "%s: was written to while the study ran; run it again",
                     path);
}
