/*
 * Output files and messages. Without -f the finished file is linked, not renamed, to its name, so a
 * file that came to be there in the meantime survives; a file system without links falls back to
 * rename. open_memstream, mkstemp, realpath, fsync: POSIX.1-2008. Standard output is flushed and
 * judged by main, once, at the end.
 */
#define _XOPEN_SOURCE 700 /* glibc declares realpath only so, though it is in the base of POSIX.1-2008 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utf8proc.h>

enum { MAX_OUTPUTS = 8 };

/* What a second signal has to remove. */
static _Atomic(const char *) unfinished[MAX_OUTPUTS];
static volatile sig_atomic_t caught;
static int nothing = -1; /* descriptor of /dev/null */
static int stdout_failure;

static void on_signal(int number)
{
    const int before = errno;

    if (caught) {
        for (size_t i = 0; i < MAX_OUTPUTS; i++) {
            const char *path = atomic_load(&unfinished[i]);

            if (path)
                unlink(path);
        }
        _exit(128 + number);
    }
    caught = number;
    if (nothing >= 0)
        dup2(nothing, STDIN_FILENO); /* a read that waits for standard input goes on, at its end */
    errno = before;
}

void cril_output_catch_signals(void)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = on_signal }, old;

    nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* nohup */
            sigaction(numbers[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

int cril_output_signal(void)
{
    return caught;
}

/* ---- messages ---- */

static void print_line(const char *format, va_list ap)
{
    char line[2048];

    if (vsnprintf(line, sizeof(line), format, ap) < 0)
        return;
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 32 || *p == 127)
            *p = '?';
    fprintf(stderr, "cril: %s\n", line);
}

int cril_print_error(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    print_line(format, ap);
    va_end(ap);
    return 1;
}

void cril_print_note(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    print_line(format, ap);
    va_end(ap);
}

/* ---- files ---- */

/* Marks temp as unfinished (add) or no longer so. */
static void set_unfinished(const char *temp, bool add)
{
    for (size_t i = 0; i < MAX_OUTPUTS; i++) {
        const char *expected = add ? NULL : temp;

        if (atomic_compare_exchange_strong(&unfinished[i], &expected, add ? temp : NULL))
            return;
    }
}

static bool open_direct(struct cril_output *o)
{
    o->file = strcmp(o->path, "-") == 0 ? stdout : fopen(o->path, "w");
    if (!o->file)
        cril_print_error("%s: cannot be written: %s", o->path, strerror(errno));
    return o->file != NULL;
}

static char *join(const char *a, const char *b)
{
    size_t n = strlen(a) + strlen(b) + 1;
    char *s = malloc(n);

    if (s)
        snprintf(s, n, "%s%s", a, b);
    return s;
}

bool cril_output_open(struct cril_output *o, const char *path, bool force)
{
    struct stat info;
    bool exists = strcmp(path, "-") == 0 || stat(path, &info) == 0;
    mode_t mask;
    int fd;

    *o = (struct cril_output){ .path = path, .force = force };
    if (exists && (strcmp(path, "-") == 0 || (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))))
        return open_direct(o);
    if (exists && S_ISDIR(info.st_mode)) {
        cril_print_error("%s: is a folder; name a file to write", path);
        return false;
    }
    if ((exists || lstat(path, &info) == 0) && !force) {
        cril_print_error("%s: exists already; use -f to overwrite it, or another name", path);
        return false;
    }
    o->target = exists ? realpath(path, NULL) : join(path, ""); /* through a link to what it names */
    o->temp = o->target ? join(o->target, ".XXXXXX") : NULL;
    fd = o->temp ? mkstemp(o->temp) : -1;
    if (fd >= 0)
        o->file = fdopen(fd, "w");
    if (!o->file) {
        cril_print_error("%s: cannot be created: %s; check that its folder exists and may be written to", path,
                         strerror(errno));
        if (fd >= 0) {
            close(fd);
            unlink(o->temp);
        }
        free(o->target);
        free(o->temp);
        *o = (struct cril_output){ 0 };
        return false;
    }
    set_unfinished(o->temp, true);
    mask = umask(0);
    umask(mask);
    if (fchmod(fd, exists ? info.st_mode & 0777 : 0666 & ~mask) != 0)
        o->failure = errno;
    return true;
}

/* "a/b/c" to "a/b/", "c" to "."; owned by the caller. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = join(slash ? path : ".", "");

    if (folder && slash)
        folder[slash - path + 1] = '\0';
    return folder;
}

/* Whether the folders of two names are one. */
static bool same_folder(const char *a, const char *b)
{
    char *folder_a = folder_of(a), *folder_b = folder_of(b);
    struct stat x, y;
    bool same = folder_a && folder_b && stat(folder_a, &x) == 0 && stat(folder_b, &y) == 0 &&
                x.st_dev == y.st_dev && x.st_ino == y.st_ino;

    free(folder_a);
    free(folder_b);
    return same;
}

bool cril_same_file(const char *a, const char *b)
{
    const char *base_a = strrchr(a, '/'), *base_b = strrchr(b, '/');
    bool there_a, there_b;
    struct stat x, y;

    if (strcmp(a, "-") == 0 || strcmp(b, "-") == 0)
        return strcmp(a, b) == 0;
    there_a = stat(a, &x) == 0;
    there_b = stat(b, &y) == 0;
    if (there_a || there_b)
        return there_a && there_b && S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    return strcmp(base_a ? base_a + 1 : a, base_b ? base_b + 1 : b) == 0 && same_folder(a, b);
}

void cril_output_failed(struct cril_output *o, int number)
{
    if (!o->failure)
        o->failure = number ? number : EIO;
}

bool cril_output_good(struct cril_output *o)
{
    if (o->file && ferror(o->file))
        cril_output_failed(o, EIO);
    return !o->failure;
}

void cril_stdout_failed(int number)
{
    if (!stdout_failure)
        stdout_failure = number ? number : EIO;
}

bool cril_stdout_good(void)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout))
        cril_stdout_failed(errno);
    return !stdout_failure;
}

int cril_stdout_failure(void)
{
    return stdout_failure;
}

/* Gives the finished file its name; 0 or errno. */
static int give_name(const struct cril_output *o)
{
    if (!o->force) {
        if (link(o->temp, o->target) == 0)
            return unlink(o->temp) == 0 ? 0 : errno;
        if (errno == EEXIST)
            return errno;
    }
    return rename(o->temp, o->target) == 0 ? 0 : errno;
}

/* Closes the file and frees what belongs to it; the temporary file goes too if it is still there. */
static void release(struct cril_output *o, bool named)
{
    if (o->file && o->file != stdout && fclose(o->file) != 0 && !o->failure)
        o->failure = errno ? errno : EIO;
    o->file = NULL;
    if (o->temp && !o->failure && named)
        o->failure = give_name(o);
    if (o->temp) {
        if (o->failure || !named)
            unlink(o->temp);
        set_unfinished(o->temp, false);
    }
    free(o->target);
    free(o->temp);
    o->target = o->temp = NULL;
}

bool cril_output_commit(struct cril_output *o)
{
    if (!o->file)
        return true;
    errno = 0;
    if (o->file != stdout && cril_output_good(o) &&
        (fflush(o->file) != 0 || (o->temp && fsync(fileno(o->file)) != 0)))
        o->failure = errno ? errno : EIO;
    release(o, true);
    if (!o->failure)
        return true;
    if (o->failure == EEXIST)
        cril_print_error("%s: was made by someone else meanwhile; use -f to overwrite it", o->path);
    else
        cril_print_error("%s: could not be written: %s; make room or choose another place", o->path,
                         strerror(o->failure));
    return false;
}

void cril_output_discard(struct cril_output *o)
{
    if (o->file)
        release(o, false);
}

/* ---- texts ---- */

void cril_print_escaped(FILE *f, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        const unsigned char *p = (const unsigned char *)text + i;
        utf8proc_int32_t c = -1;
        utf8proc_ssize_t step = utf8proc_iterate(p, (utf8proc_ssize_t)(len - i), &c);

        if (step < 1 || c < 32 || (c >= 127 && c < 160)) {
            const char *named = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;

            if (named)
                fputs(named, f);
            for (size_t k = 0; !named && k < (step > 0 ? (size_t)step : 1); k++)
                fprintf(f, "\\x%02X", p[k]);
        } else if (c == '\\') {
            fputs("\\\\", f);
        } else {
            fwrite(p, 1, (size_t)step, f);
        }
        i += step > 0 ? (size_t)step : 1;
    }
}

json_t *cril_json_text(const char *text, size_t len)
{
    json_t *json = json_stringn(text, len);
    char *escaped = NULL;
    size_t n = 0;
    FILE *f;

    if (json || !(f = open_memstream(&escaped, &n)))
        return json;
    cril_print_escaped(f, text, len);
    if (fclose(f) == 0)
        json = json_stringn(escaped, n);
    free(escaped);
    return json;
}

int cril_print_json(json_t *root, size_t flags)
{
    int bad;

    if (!root)
        return cril_print_error("out of memory while writing JSON");
    errno = 0;
    bad = json_dumpf(root, stdout, flags | JSON_REAL_PRECISION(17)) || putchar('\n') == EOF;
    if (bad)
        cril_stdout_failed(errno); /* reported once, at the end of main */
    json_decref(root);
    return bad != 0;
}
