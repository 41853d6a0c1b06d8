/*
 * The child shares this process' memory until it runs its program: it writes nothing but its stack,
 * calls the kernel directly (the C library's setresuid would change all threads of the parent), and
 * says through a pipe, which closes when the program starts, what failed.
 */
#define _GNU_SOURCE /* vfork, unshare, setgroups, memfd_create, pipe2 */
#include "sandbox/spawn.h"

#include "util/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { LAST_SIGNAL = 31, MANY_FDS = 65536 };

struct failure {
    int error;
    char step[28];
};

/* ---- descriptors ---- */

int cril_spawn_move_up(int fd)
{
    int moved, error;

    if (fd < 0 || fd >= CRIL_SPAWN_FDS)
        return fd;
    moved = fcntl(fd, F_DUPFD_CLOEXEC, CRIL_SPAWN_FDS);
    error = errno;
    close(fd);
    errno = error;
    return moved;
}

int cril_spawn_pipe(int ends[2])
{
    int error;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    ends[0] = cril_spawn_move_up(ends[0]);
    ends[1] = cril_spawn_move_up(ends[1]);
    if (ends[0] >= 0 && ends[1] >= 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        return 0;
    error = errno;
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    ends[0] = ends[1] = -1;
    errno = error;
    return -1;
}

int cril_spawn_text(const char *name, const void *data, size_t len)
{
    const int fd = cril_spawn_move_up(memfd_create(name, MFD_CLOEXEC));
    const char *at = data;
    int error;

    if (fd < 0)
        return -1;
    while (len) {
        const ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            goto fail;
        at += n;
        len -= (size_t)n;
    }
    if (lseek(fd, 0, SEEK_SET) == 0)
        return fd;
fail:
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

int cril_spawn_null(void)
{
    return cril_spawn_move_up(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/* ---- the child ---- */

/*
 * Other names, in mounts of the child alone, for what lies below folders that only root may enter.
 * /sys gives the place: every system has it, no Python lies there, and the box has none.
 */
static const char *make_stages(const struct cril_spawn *s)
{
    if (unshare(CLONE_NEWNS) != 0)
        return "a mount namespace";
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return "private mounts";
    if (mount("cril", "/sys", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64k") != 0)
        return "a private /sys";
    for (size_t i = 0; i < s->n_stages; i++) {
        const struct cril_spawn_stage *g = &s->stages[i];
        int fd = -1;

        if (g->is_folder ? mkdir(g->as, 0755) != 0
                         : (fd = open(g->as, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) < 0)
            return "another name for a path";
        if (fd >= 0)
            close(fd);
        if (mount(g->path, g->as, NULL, MS_BIND | MS_REC, NULL) != 0)
            return "a mount of a path";
    }
    return NULL;
}

static void close_from(int first)
{
    if (syscall(SYS_close_range, first, ~0U, 0) == 0)
        return;
    for (int fd = first; fd < MANY_FDS; fd++) /* Linux before 5.9 */
        close(fd);
}

/* Everything but the descriptors. NULL: done; else what failed, with errno. */
static const char *confine(const struct cril_spawn *s, pid_t parent)
{
    const char *step;

    if (setsid() < 0)
        return "a session";
    for (size_t i = 0; i < s->n_cgroups; i++)
        if (write(s->cgroups[i], "0", 1) != 1)
            return "a cgroup";
    if (s->n_stages && (step = make_stages(s)) != NULL)
        return step;
    if (chdir("/") != 0)
        return "the root folder";
    for (size_t i = 0; i < s->n_limits; i++) {
        const struct cril_spawn_limit *l = &s->limits[i];
        uint64_t old[2], pair[2] = {l->soft, l->hard};

        if (syscall(SYS_prlimit64, 0, l->resource, NULL, old) != 0)
            return "a limit";
        for (int j = 0; j < 2; j++)
            if (pair[j] > old[1]) /* which an ordinary user cannot raise */
                pair[j] = old[1];
        if (syscall(SYS_prlimit64, 0, l->resource, pair, NULL) != 0)
            return "a limit";
    }
    if (s->nobody && (syscall(SYS_setgroups, 0, NULL) != 0 ||
                      syscall(SYS_setresgid, CRIL_NOBODY, CRIL_NOBODY, CRIL_NOBODY) != 0 ||
                      syscall(SYS_setresuid, CRIL_NOBODY, CRIL_NOBODY, CRIL_NOBODY) != 0))
        return "another user";
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        return "an end with its parent";
    return NULL;
}

static void run_child(const struct cril_spawn *s, pid_t parent, int report)
{
    struct failure f = {0};
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    const char *step = NULL;

    for (int i = 1; i <= LAST_SIGNAL; i++)
        sigaction(i, &plain, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (s->confined)
        step = confine(s, parent);
    else if (setpgid(0, 0) != 0)
        step = "a process group";
    for (int i = 0; !step && i < s->n_fds; i++)
        if (s->fds[i] < 0)
            close(i);
        else if (dup2(s->fds[i], i) < 0)
            step = "descriptors";
    if (!step && dup2(report, s->n_fds) < 0)
        step = "descriptors";
    if (!step) {
        report = s->n_fds;
        fcntl(report, F_SETFD, FD_CLOEXEC);
        close_from(report + 1);
        execve(s->path, s->argv, s->envp);
        step = "a start";
    }
    f.error = errno;
    for (size_t i = 0; step[i] && i + 1 < sizeof(f.step); i++)
        f.step[i] = step[i];
    if (write(report, &f, sizeof(f)) < 0)
        _exit(126);
    _exit(127);
}

/* In a function of its own, so that no variable of the caller's lives across the two returns. */
__attribute__((noinline)) static pid_t start(const struct cril_spawn *s, int report)
{
    const pid_t parent = getpid();
    const pid_t pid = vfork();

    if (pid == 0)
        run_child(s, parent, report);
    return pid;
}

cril_status cril_spawn(const struct cril_spawn *s, pid_t *pid, cril_error *err)
{
    struct failure f = {0};
    sigset_t all, before;
    int report[2], error;
    ssize_t n;
    pid_t child;

    if (cril_spawn_pipe(report) != 0)
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot be started: %s", s->path, strerror(errno));
    fcntl(report[0], F_SETFL, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* no handler of the parent's runs in the child */
    child = start(s, report[1]);
    error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot be started: %s", s->path, strerror(error));
    }
    while ((n = read(report[0], &f, sizeof(f))) < 0 && errno == EINTR) {
    }
    close(report[0]);
    if (n != (ssize_t)sizeof(f)) {
        *pid = child;
        return CRIL_OK;
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
    return cril_fail(err, CRIL_ERR_IO, "%s: cannot be started: %s: %s", s->path, f.step,
                     strerror(f.error));
}
