/* Files without a name: see temporary.h. */
#include "gather/temporary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

const char *cril_temporary_folder(const char *folder)
{
    const char *wanted = folder ? folder : getenv("TMPDIR");

    return wanted && *wanted ? wanted : "/tmp";
}

int cril_temporary_file(const char *folder)
{
    char path[PATH_BYTES];
    const int n = snprintf(path, sizeof(path), "%s/cril-XXXXXX", cril_temporary_folder(folder));
    int fd;

    if (n < 0 || n >= PATH_BYTES) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if ((fd = mkstemp(path)) >= 0)
        unlink(path);
    return fd;
}
