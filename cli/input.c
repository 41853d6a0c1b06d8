/* Input files. A pipe is read to its end, its size is not known before. */
#include "input.h"

#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FIRST_READ = 65536 };

const char *cril_input_spoken(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

bool cril_input_check(const char *path)
{
    struct stat info;

    if (strcmp(path, "-") == 0)
        return true;
    if (stat(path, &info) != 0) {
        cril_print_error("%s: cannot be opened: %s%s", path, strerror(errno),
                         errno == ENOENT ? "; check the path" : "");
        return false;
    }
    if (S_ISDIR(info.st_mode))
        cril_print_error("%s: is a folder; name a file in it", path);
    return !S_ISDIR(info.st_mode);
}

/* ---- whole files ---- */

static void *fail(cril_error *err, cril_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void *fail(cril_error *err, cril_status status, const char *format, ...)
{
    va_list ap;

    err->status = status;
    va_start(ap, format);
    vsnprintf(err->message, sizeof(err->message), format, ap);
    va_end(ap);
    return NULL;
}

static unsigned char *read_all(FILE *f, const char *spoken, size_t *len, cril_error *err)
{
    unsigned char *data = NULL;
    size_t size = 0, n = 0, got = 1;

    while (got) {
        if (n == size) {
            unsigned char *grown =
                size <= SIZE_MAX / 2 ? realloc(data, size ? 2 * size : FIRST_READ) : NULL;

            if (!grown) {
                free(data);
                return fail(err, CRIL_ERR_NOMEM, "%s: out of memory", spoken);
            }
            data = grown;
            size = size ? 2 * size : FIRST_READ;
        }
        errno = 0;
        got = fread(data + n, 1, size - n, f);
        n += got;
    }
    if (ferror(f)) {
        free(data);
        return fail(err, CRIL_ERR_IO, "%s: cannot be read: %s", spoken,
                    strerror(errno ? errno : EIO));
    }
    *len = n;
    return data;
}

unsigned char *cril_input_read(const char *path, size_t *len, cril_error *err)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    unsigned char *data;

    if (!f)
        return fail(err, CRIL_ERR_IO, "%s: cannot be opened: %s", cril_input_spoken(path),
                    strerror(errno));
    data = read_all(f, cril_input_spoken(path), len, err);
    if (f != stdin)
        fclose(f);
    return data;
}

/* ---- archives ---- */

static bool is_pipe(const char *path)
{
    struct stat info;

    return strcmp(path, "-") == 0 ||
           (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode));
}

bool cril_input_archive_open(struct cril_input_archive *in, const char *path, cril_error *err)
{
    size_t size;

    *in = (struct cril_input_archive){0};
    if (!is_pipe(path))
        return cril_archive_open(path, &in->archive, err) == CRIL_OK;
    in->data = cril_input_read(path, &size, err);
    if (in->data &&
        cril_archive_read(in->data, size, cril_input_spoken(path), &in->archive, err) == CRIL_OK)
        return true;
    cril_input_archive_close(in);
    return false;
}

void cril_input_archive_close(struct cril_input_archive *in)
{
    cril_archive_close(in->archive);
    free(in->data);
    *in = (struct cril_input_archive){0};
}
