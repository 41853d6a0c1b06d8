/*
 * Output files and messages.
 *
 * Linux gives a finished file without a name its name in one step (open(2), O_TMPFILE), so that a
 * process that is killed leaves nothing. Only a name that is taken needs two: the file gets a
 * second name, which is renamed over the first. Where that does not work (other systems, NFS, no
 * /proc) the file has a temporary name from the beginning; without -f it is linked, not renamed, to
 * its own, so that a file created in the meantime survives, and a file system without
 * links falls back to rename.
 *
 * Standard output is flushed and judged by main, once, at the end.
 */
#ifdef __linux__
#define _GNU_SOURCE /* O_TMPFILE */
#else
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include "output.h"

#include "reads.h"

#include <cril/number.h>
#include <cril/text.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utf8proc.h>

enum { MAX_OUTPUTS = 8 };

/* What a second signal has to remove. */
static _Atomic(const char *) unfinished[MAX_OUTPUTS];
static volatile sig_atomic_t caught;
static int nothing = -1; /* descriptor of /dev/null */
static int stdout_failure;

void cril_output_remove_unfinished(void)
{
    for (size_t i = 0; i < MAX_OUTPUTS; i++) {
        const char *path = atomic_load(&unfinished[i]);

        if (path)
            unlink(path);
    }
}

static void on_signal(int number)
{
    const int before = errno;

    if (caught) {
        cril_output_remove_unfinished();
        _exit(128 + number);
    }
    caught = number;
    if (nothing >= 0)
        dup2(nothing, STDIN_FILENO); /* a read that waits for standard input goes on, at its end */
    errno = before;
}

void cril_output_catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal}, old;

    if (nothing < 0)
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

void cril_print_sentence(const char *start, const char *format, va_list ap, const char *end)
{
    char line[2048], shown[4096];

    if (vsnprintf(line, sizeof(line), format, ap) < 0)
        return;
    cril_text_show(line, strlen(line), false, shown, sizeof(shown));
    fprintf(stderr, "%s: %s%s\n", start, shown, end);
}

int cril_print_error(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    cril_print_sentence("cril", format, ap, "");
    va_end(ap);
    return 1;
}

void cril_print_note(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    cril_print_sentence("cril", format, ap, "");
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

static char *join(const char *a, const char *b)
{
    size_t n = strlen(a) + strlen(b) + 1;
    char *s = malloc(n);

    if (s)
        snprintf(s, n, "%s%s", a, b);
    return s;
}

/* "a/b/c" to "a/b/", "c" to "./"; owned by the caller. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = join(slash ? path : "./", "");

    if (folder && slash)
        folder[slash - path + 1] = '\0';
    return folder;
}

struct proc_name {
    char text[32];
};

/* What an open file is called even if it has no name. */
static struct proc_name proc_name(int fd)
{
    struct proc_name name;

    snprintf(name.text, sizeof(name.text), "/proc/self/fd/%d", fd);
    return name;
}

/* A file without a name in target's folder, which can be given one; -1: there is no such thing. */
static int open_unnamed(const char *target)
{
#ifdef O_TMPFILE
    char *folder = folder_of(target);
    int fd = folder ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
    struct stat file, seen;

    free(folder);
    if (fd < 0 || (fstat(fd, &file) == 0 && stat(proc_name(fd).text, &seen) == 0 &&
                   file.st_dev == seen.st_dev && file.st_ino == seen.st_ino))
        return fd;
    close(fd);
#else
    (void)target;
#endif
    return -1;
}

/* Makes the file, and its temporary name if it needs one; -1: errno says why not. */
static int create(struct cril_output *o)
{
    struct stat info;
    int fd;

    if (!o->target || (lstat(o->target, &info) != 0 && errno != ENOENT))
        return -1; /* a name too long is found now and not at the end */
    if ((fd = open_unnamed(o->target)) >= 0)
        return fd;
    o->temp = join(o->target, ".XXXXXX");
    if (o->temp && (fd = mkstemp(o->temp)) >= 0) {
        set_unfinished(o->temp, true);
        return fd;
    }
    free(o->temp);
    o->temp = NULL;
    return -1;
}

FILE *cril_output_temporary(void)
{
    const char *wanted = getenv("TMPDIR"), *folder = wanted && *wanted ? wanted : "/tmp";
    char *name = join(folder, "/cril.XXXXXX");
    int fd = name ? open_unnamed(name) : -1;
    FILE *f = NULL;

    if (name && fd < 0 && (fd = mkstemp(name)) >= 0)
        unlink(name);
    if (fd >= 0 && !(f = fdopen(fd, "w")))
        close(fd);
    if (!f)
        cril_print_error("%s: no temporary file can be made: %s; name another folder in TMPDIR",
                         folder, strerror(errno));
    free(name);
    return f;
}

/* The temporary name is gone, or goes now. */
static void drop_temp(struct cril_output *o, bool remove)
{
    if (!o->temp)
        return;
    if (remove)
        unlink(o->temp);
    set_unfinished(o->temp, false);
    free(o->temp);
    o->temp = NULL;
}

bool cril_output_check(const char *path, bool force)
{
    const char *read_as = cril_reads_as(path);
    struct stat info;

    if (read_as) {
        cril_print_error("%s: is %s and cannot be the output",
                         strcmp(path, "-") == 0 ? "standard output" : path, read_as);
        return false;
    }
    if (strcmp(path, "-") == 0)
        return true;
    if (!*path) {
        cril_print_error("the name of the output is empty; name a file to write");
        return false;
    }
    if (stat(path, &info) != 0 && lstat(path, &info) != 0)
        return true;
    if (S_ISDIR(info.st_mode)) {
        cril_print_error("%s: is a folder; name a file to write", path);
        return false;
    }
    if ((S_ISREG(info.st_mode) || S_ISLNK(info.st_mode)) && !force) {
        cril_print_error("%s: exists already; use -f to overwrite it, or another name", path);
        return false;
    }
    return true;
}

bool cril_output_open(struct cril_output *o, const char *path, bool force)
{
    struct stat info;
    bool exists = stat(path, &info) == 0;
    mode_t mask;
    int fd = -1;

    *o = (struct cril_output){0};
    if (!cril_output_check(path, force))
        return false;
    *o = (struct cril_output){.path = path, .force = force};
    if (strcmp(path, "-") == 0) {
        o->file = stdout;
        return true;
    }
    if (exists && !S_ISREG(info.st_mode)) {
        if (!(o->file = fopen(path, "w")))
            cril_print_error("%s: cannot be written: %s", path, strerror(errno));
        return o->file != NULL;
    }
    o->target = exists ? realpath(path, NULL) : join(path, ""); /* through a link to its file */
    if ((fd = create(o)) >= 0)
        o->file = fdopen(fd, "w");
    if (!o->file) {
        cril_print_error("%s: cannot be created: %s; "
                         "check that its folder exists and may be written to",
                         path, strerror(errno));
        if (fd >= 0)
            close(fd);
        cril_output_discard(o);
        return false;
    }
    mask = umask(0);
    umask(mask);
    o->mode = exists ? info.st_mode & 0777 : 0666 & ~mask; /* until it is whole it is ours alone */
    return true;
}

void cril_output_like(struct cril_output *o, const struct stat *info)
{
    o->is_like = o->target != NULL;
    o->like = *info;
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
        return there_a && there_b && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
               x.st_ino == y.st_ino;
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

/* Mode, owner as far as we may, and times of o->like for the finished file; 0 or errno. */
static int make_like(const struct cril_output *o)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, o->like.st_mtim};
    mode_t mode = o->like.st_mode & 0777;
    int fd = fileno(o->file);

    if (fchown(fd, o->like.st_uid, o->like.st_gid) != 0 &&
        fchown(fd, (uid_t)-1, o->like.st_gid) != 0)
        mode &= ~(mode_t)070; /* another group must not get these rights */
    return fchmod(fd, mode) == 0 && futimens(fd, times) == 0 ? 0 : errno;
}

/* On errors the second name goes again. */
static int link_and_rename(const char *from, const char *second, const char *target)
{
    int number;

    if (linkat(AT_FDCWD, from, AT_FDCWD, second, AT_SYMLINK_FOLLOW) != 0)
        return errno;
    if (rename(second, target) == 0)
        return 0;
    number = errno;
    unlink(second);
    return number;
}

/*
 * The two steps are a child's, which goes on if this process is killed between them, so that no
 * second name stays. It calls nothing that another thread could have left locked.
 */
static int replace_by_child(const char *from, const char *second, const char *target)
{
    sigset_t all, before;
    int status = 0, number;
    pid_t child;

    signal(SIGCHLD, SIG_DFL); /* if our parent ignored SIGCHLD, waitpid would return no status */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    child = fork();
    if (child == 0)
        _exit(link_and_rename(from, second, target));
    if (child < 0)
        number = link_and_rename(from, second, target);
    else if (waitpid(child, &status, 0) == child && WIFEXITED(status))
        number = WEXITSTATUS(status);
    else
        number = EIO;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return number;
}

/* Puts a file without a name in the place of target; 0 or errno. */
static int replace(const char *from, const char *target)
{
    enum { TRIES = 100, ROOM = 32 };
    char *folder = folder_of(target), *second = folder ? malloc(strlen(folder) + ROOM) : NULL;
    int number = folder && second ? EEXIST : ENOMEM;

    for (unsigned i = 0; i < TRIES && number == EEXIST; i++) {
        snprintf(second, strlen(folder) + ROOM, "%s.cril-%ld-%u", folder, (long)getpid(), i);
        number = replace_by_child(from, second, target);
    }
    free(folder);
    free(second);
    return number;
}

/* Gives a finished file without a name its name; 0 or errno. */
static int name_unnamed(const struct cril_output *o)
{
    const struct proc_name from = proc_name(fileno(o->file));

    if (linkat(AT_FDCWD, from.text, AT_FDCWD, o->target, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    return errno == EEXIST && o->force ? replace(from.text, o->target) : errno;
}

/* The same for one with a temporary name. */
static int name_temp(struct cril_output *o)
{
    if (!o->force) {
        if (link(o->temp, o->target) == 0) {
            drop_temp(o, true);
            return 0;
        }
        if (errno == EEXIST)
            return errno;
    }
    if (rename(o->temp, o->target) != 0)
        return errno;
    drop_temp(o, false);
    return 0;
}

/* Brings a new name to the disk; 0 or errno. A folder that cannot be synced at all is no error. */
static int sync_folder(const char *target)
{
    char *folder = folder_of(target);
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int number = fd >= 0 && fsync(fd) != 0 ? errno : 0;

    free(folder);
    if (fd >= 0)
        close(fd);
    return number == EIO || number == ENOSPC ? number : 0;
}

/* Closes the file and frees what belongs to it; a temporary file that is still there goes too. */
static void release(struct cril_output *o)
{
    if (o->file && o->file != stdout)
        fclose(o->file);
    drop_temp(o, true);
    free(o->target);
    o->file = NULL;
    o->target = NULL;
}

/* All that was written is on the disk, under its name; 0 or errno. */
static int finish(struct cril_output *o)
{
    int number = 0;

    errno = 0;
    if (!cril_output_good(o))
        return o->failure;
    if (fflush(o->file) != 0)
        return errno ? errno : EIO;
    if (!o->target) {
        FILE *f = o->file;

        o->file = NULL;
        return fclose(f) == 0 ? 0 : errno ? errno : EIO;
    }
    if (o->is_like)
        number = make_like(o);
    else if (fchmod(fileno(o->file), o->mode) != 0)
        number = errno;
    if (!number && fsync(fileno(o->file)) != 0)
        number = errno;
    if (!number)
        number = o->temp ? name_temp(o) : name_unnamed(o);
    return number ? number : sync_folder(o->target);
}

bool cril_output_commit(struct cril_output *o)
{
    if (!o->file)
        return true;
    if (o->file != stdout)
        o->failure = finish(o);
    release(o);
    if (!o->failure)
        return true;
    if (o->failure == EEXIST)
        cril_print_error("%s: was created by another program meanwhile; use -f to overwrite it",
                         o->path);
    else
        cril_print_error("%s: could not be written: %s; make room or choose another place", o->path,
                         strerror(o->failure));
    return false;
}

void cril_output_discard(struct cril_output *o)
{
    release(o);
}

/* ---- texts ---- */

void cril_print_escaped(FILE *f, const char *text, size_t len)
{
    const size_t size = cril_text_show(text, len, true, NULL, 0) + 1;
    char *shown = malloc(size);

    if (!shown)
        return;
    cril_text_show(text, len, true, shown, size);
    fputs(shown, f);
    free(shown);
}

/* Whether a terminal interprets the character instead of showing it. */
static bool is_unshown(utf8proc_int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC: /* C0, C1 */
    case UTF8PROC_CATEGORY_CF: /* of format, the bidirectional ones among them */
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return true;
    default: return false;
    }
}

static void print_unicode(FILE *f, utf8proc_int32_t c)
{
    const unsigned u = (unsigned)c;

    if (u > 0xFFFF)
        fprintf(f, "\\u%04x\\u%04x", 0xD800 + ((u - 0x10000) >> 10), 0xDC00 + (u & 0x3FF));
    else
        fprintf(f, "\\u%04x", u);
}

void cril_print_quoted(FILE *f, const char *text, size_t len)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* a character, then its letter */

    putc('"', f);
    for (size_t i = 0; i < len;) {
        const unsigned char *p = (const unsigned char *)text + i;
        const char *pair = named;
        utf8proc_int32_t c = -1;
        const utf8proc_ssize_t step = utf8proc_iterate(p, (utf8proc_ssize_t)(len - i), &c);

        while (*pair && *pair != c)
            pair += 2;
        if (step < 1)
            fprintf(f, "\\x%02X", *p);
        else if (*pair)
            fprintf(f, "\\%c", pair[1]);
        else if (is_unshown(c))
            print_unicode(f, c);
        else
            fwrite(p, 1, (size_t)step, f);
        i += step > 0 ? (size_t)step : 1;
    }
    putc('"', f);
}

void cril_print_csv(FILE *f, const char *text, bool safe)
{
    const bool formula = safe && *text && strchr("=+-@\t\r", *text);

    if (!formula && !text[strcspn(text, ",\"\r\n")]) {
        fputs(text, f);
        return;
    }
    putc('"', f);
    if (formula)
        putc('\'', f);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', f);
        putc(*text, f);
    }
    putc('"', f);
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

json_t *cril_json_string(const char *text)
{
    return cril_json_text(text, strlen(text));
}

json_t *cril_json_interval(const cril_interval *v)
{
    if (!v->resamples)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:I, s:I}", "level", v->level, "low", v->low, "high", v->high,
                     "resamples", (json_int_t)v->resamples, "seed", (json_int_t)v->seed);
}

int cril_output_json(struct cril_output *o, json_t *root, size_t flags)
{
    cril_json_filter filter = {.file = o && o->file ? o->file : stdout};
    int bad;

    if (!root)
        return cril_print_error("out of memory while writing JSON");
    errno = 0;
    bad = json_dump_callback(root, cril_json_filter_put, &filter, flags) ||
          putc('\n', filter.file) == EOF;
    if (bad && filter.file != stdout)
        cril_output_failed(o, errno); /* reported when it is committed */
    else if (bad)
        cril_stdout_failed(errno); /* reported once, at the end of main */
    json_decref(root);
    return bad != 0;
}

int cril_print_json(json_t *root, size_t flags)
{
    return cril_output_json(NULL, root, flags);
}
