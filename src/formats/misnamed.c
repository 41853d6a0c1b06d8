#include "formats/misnamed.h"

#include "util/fail.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_transformers(const char *path)
{
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool has = folder >= 0 && faccessat(folder, "config.json", F_OK, 0) == 0;

    if (folder >= 0)
        close(folder);
    return has;
}

/* "owner/name" or "owner/name:Q4_K_M", where owner is no folder here and name is no file's. */
static bool is_hub_id(const char *path)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t owner = strspn(path, letters);
    const size_t name = path[owner] == '/' ? strspn(path + owner + 1, letters) : 0;
    const char *end = path + owner + (name ? 1 + name : 0);
    const bool is_file = name > 5 && strcmp(end - 5, ".gguf") == 0;
    char folder[256];

    if (!owner || !name || is_file || (*end && *end != ':') || owner >= sizeof(folder))
        return false;
    memcpy(folder, path, owner);
    folder[owner] = '\0';
    return access(folder, F_OK) != 0;
}

cril_status cril_misnamed(const char *path, cril_error *err)
{
    struct stat info;

    if (stat(path, &info) == 0)
        return !S_ISDIR(info.st_mode) || !is_transformers(path)
                   ? CRIL_OK
                   : cril_fail(err, CRIL_ERR_IO,
                               "%s: is a Hugging Face folder (it has a config.json), and cril "
                               "reads GGUF files; convert it with llama.cpp's "
                               "convert_hf_to_gguf.py, or download a GGUF file of the model",
                               path);
    if (strstr(path, "://"))
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: is an address, and cril opens files; download the GGUF file and "
                         "name it",
                         path);
    if (is_hub_id(path))
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: there is no such file; a model on the Hugging Face hub is named "
                         "hf:%s, and 'cril pull hf:%s' fetches it",
                         path, path, path);
    return CRIL_OK;
}
