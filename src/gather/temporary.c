/* Files without a name: see temporary.h. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "gather/temporary.h"

#include <errno.h>
#include <fcntl.h>
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

#ifdef O_TMPFILE /* no moment at which a kill leaves a name */
    if ((fd = open(cril_temporary_folder(folder), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) >= 0)
        return fd;
#endif
    if (n < 0 || n >= PATH_BYTES) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if ((fd = mkstemp(path)) >= 0)
        unlink(path);
    return fd;
}
