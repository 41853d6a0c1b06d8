#include "formats/misnamed.h"

#include "formats/folder_path.h"
#include "util/fail.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* "owner/name" or "owner/name:Q4_K_M", where owner is no folder here and name is no file's. */
static bool is_hub_id(const char *path)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t owner = strspn(path, letters);
    const size_t name = path[owner] == '/' ? strspn(path + owner + 1, letters) : 0;
    const char *end = path + owner + (name ? 1 + name : 0);
    const bool is_file =
        (name > 5 && strcmp(end - 5, ".gguf") == 0) || cril_folder_member(path) != NULL;
    char folder[256];

    if (!owner || !name || is_file || (*end && *end != ':') || owner >= sizeof(folder))
        return false;
    memcpy(folder, path, owner);
    folder[owner] = '\0';
    return access(folder, F_OK) != 0;
}

cril_status cril_misnamed(const char *path, cril_error *err)
{
    if (access(path, F_OK) == 0)
        return CRIL_OK;
    if (strstr(path, "://"))
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: is an address, and cril opens files; name a model of the Hugging "
                         "Face hub as hf:owner/name, or download the file and name it",
                         path);
    if (is_hub_id(path))
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: there is no such file; a model on the Hugging Face hub is named "
                         "hf:%s, and 'cril pull hf:%s' fetches it",
                         path, path, path);
    return CRIL_OK;
}
