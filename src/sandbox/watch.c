/*
 * proc(5). /proc/N/root leads into the box, where /proc is that of its own process namespace: one
 * small folder tells all, whatever daemons and sessions the program makes.
 *
 * How the end of a program is known. The wrapper around the program waits on a channel twice:
 * before it calls the program, and after. Both calls are made by one function, so the stack pointer
 * that the kernel shows (/proc/N/syscall) is the same. Code of the program always runs deeper in
 * the stack: it can write what it likes to the channel, but cannot wait there without having
 * returned to its caller. So nothing that the program could find out and repeat lets it claim an
 * end.
 */
#define _GNU_SOURCE /* fstatfs of Linux, O_PATH */
#include "sandbox/watch.h"

#include "util/fail.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SAME_STACK = 128 }; /* bytes */

void cril_watch_close(struct cril_watch *w)
{
    int *const fds[] = {&w->proc, &w->tmp, &w->shm};

    for (int i = 0; i < 3; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

static int open_below(pid_t first, const char *name, long magic)
{
    struct statfs fs;
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%ld/root/%s", (long)first, name);
    if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        return -1;
    if (fstatfs(fd, &fs) == 0 && (long)fs.f_type == magic)
        return fd;
    close(fd);
    errno = ENOENT;
    return -1;
}

cril_status cril_watch_open(struct cril_watch *w, pid_t first, pid_t program, int channel,
                            cril_error *err)
{
    *w = (struct cril_watch){
        .proc = -1, .tmp = -1, .shm = -1, .program = program, .channel = channel};
    if ((w->proc = open_below(first, "proc", PROC_SUPER_MAGIC)) >= 0 &&
        (w->tmp = open_below(first, "tmp", TMPFS_MAGIC)) >= 0 &&
        (w->shm = open_below(first, "dev/shm", TMPFS_MAGIC)) >= 0)
        return CRIL_OK;
    cril_fail(err, CRIL_ERR_UNSUPPORTED,
              "the box's /proc cannot be read (%s), so nothing bounds what is in it",
              strerror(errno));
    cril_watch_close(w);
    return CRIL_ERR_UNSUPPORTED;
}

/* ---- what is used ---- */

/* A file of one process; false: it is gone. */
static bool read_file(const struct cril_watch *w, const char *process, const char *name, char *text,
                      size_t size)
{
    char path[300];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", process, name);
    if ((fd = openat(w->proc, path, O_RDONLY | O_CLOEXEC)) < 0)
        return false;
    n = read(fd, text, size - 1);
    if (n < 0) {
        const int error = errno;

        close(fd);
        errno = error;
        return false;
    }
    close(fd);
    text[n] = '\0';
    return true;
}

static uint64_t read_memory(const struct cril_watch *w, const char *process)
{
    char text[256];
    uint64_t pages = 0;

    if (read_file(w, process, "statm", text, sizeof(text)))
        sscanf(text, "%*s %" SCNu64, &pages);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Its own time and that of children that it has waited for. A name may hold blanks and brackets, so
 * the fields are counted from the last bracket: utime is the 12th behind it. */
static double read_cpu(const struct cril_watch *w, const char *process)
{
    char text[1024];
    const char *at;
    uint64_t t[4] = {0};

    if (!read_file(w, process, "stat", text, sizeof(text)) || !(at = strrchr(text, ')')))
        return 0;
    sscanf(at + 1,
           " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64 " %" SCNu64
           " %" SCNu64,
           &t[0], &t[1], &t[2], &t[3]);
    return (double)(t[0] + t[1] + t[2] + t[3]) / (double)sysconf(_SC_CLK_TCK);
}

/* Calls f for each process of the box. */
static void each(const struct cril_watch *w,
                 void (*f)(const struct cril_watch *, const char *process, void *to), void *to)
{
    const int fd = openat(w->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;

    if (!d && fd >= 0)
        close(fd);
    while (d && (e = readdir(d)) != NULL)
        if (isdigit((unsigned char)e->d_name[0]))
            f(w, e->d_name, to);
    if (d)
        closedir(d);
}

static void add_use(const struct cril_watch *w, const char *process, void *to)
{
    struct cril_watch_use *use = to;

    use->cpu_sec += read_cpu(w, process);
    use->memory_bytes += read_memory(w, process);
}

static uint64_t count_files(int folder)
{
    struct statvfs v;

    return fstatvfs(folder, &v) == 0 && v.f_files > v.f_ffree ? v.f_files - v.f_ffree : 0;
}

void cril_watch_look(const struct cril_watch *w, struct cril_watch_use *use)
{
    *use = (struct cril_watch_use){.files = count_files(w->tmp) + count_files(w->shm)};
    each(w, add_use, use);
}

static void add_exact(const struct cril_watch *w, const char *process, void *to)
{
    char text[2048];
    const char *at;
    uint64_t *sum = to, kib;

    if (read_file(w, process, "smaps_rollup", text, sizeof(text)) &&
        (at = strstr(text, "\nPss:")) != NULL && sscanf(at + 5, "%" SCNu64, &kib) == 1)
        *sum += kib * 1024;
    else
        *sum += read_memory(w, process);
}

uint64_t cril_watch_exact_memory(const struct cril_watch *w)
{
    uint64_t sum = 0;

    each(w, add_exact, &sum);
    return sum;
}

/* ---- where the program is ---- */

enum cril_watch_place cril_watch_program(struct cril_watch *w, bool is_start)
{
    char text[512], name[24];
    uint64_t channel, stack;
    long call;

    snprintf(name, sizeof(name), "%ld", (long)w->program);
    if (!read_file(w, name, "syscall", text, sizeof(text)))
        return CRIL_WATCH_UNKNOWN;
    /* "running", or: call, six arguments, stack pointer, program counter */
    if (sscanf(text, "%ld %" SCNx64 " %*s %*s %*s %*s %*s %" SCNx64, &call, &channel, &stack) !=
            3 ||
        call != SYS_read || channel != (uint64_t)w->channel)
        return CRIL_WATCH_ELSEWHERE;
    if (is_start)
        w->stack = stack;
    return stack - w->stack + SAME_STACK <= 2 * SAME_STACK ? CRIL_WATCH_WAITING : CRIL_WATCH_DEEPER;
}
