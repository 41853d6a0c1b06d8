#include "shell.h"

#include "output.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void cril_print_shell(FILE *f, const char *text)
{
    putc('\'', f);
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", f);
        else
            putc(*text, f);
    putc('\'', f);
}

/* The folder we are in as the user knows it: PWD, if it is true. The names that links have are more
   often the same on all machines of a cluster than those they lead to. */
static const char *folder(char buffer[PATH_MAX])
{
    const char *pwd = getenv("PWD");
    struct stat a, b;

    if (pwd && pwd[0] == '/' && stat(pwd, &a) == 0 && stat(".", &b) == 0 && a.st_dev == b.st_dev &&
        a.st_ino == b.st_ino)
        return pwd;
    return getcwd(buffer, PATH_MAX);
}

char *cril_absolute_path(const char *path)
{
    char buffer[PATH_MAX], *out;
    const char *start = path[0] == '/' ? "" : folder(buffer);
    size_t size;

    if (!start) {
        cril_print_error("%s: this folder has no path: %s", path, strerror(errno));
        return NULL;
    }
    size = strlen(start) + strlen(path) + 2;
    if (!(out = malloc(size))) {
        cril_print_error("out of memory");
        return NULL;
    }
    snprintf(out, size, "%s%s%s", start, path[0] == '/' ? "" : "/", path);
    return out;
}

char *cril_own_path(void)
{
    char path[PATH_MAX], *out;
    const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    path[n > 0 ? n : 0] = '\0';
    if (!(out = strdup(n > 0 && access(path, X_OK) == 0 ? path : "cril")))
        cril_print_error("out of memory");
    return out;
}
