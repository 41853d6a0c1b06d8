/*
 * One program in the box. The bounds are kept in layers: by resource limits of each process, by a
 * control group where there is one, and by looking, every few milliseconds, at what all processes
 * of the box use together. Whoever breaks one is killed with all that is in the box: process 1 of a
 * process namespace takes the rest along.
 */
#define _GNU_SOURCE /* syscall */
#include "sandbox/box.h"

#include "sandbox/filter.h"
#include "sandbox/spawn.h"
#include "sandbox/watch.h"
#include "util/clock.h"
#include "util/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

enum {
    START_SEC = 120, /* of the box, on a machine that has much else to do */
    END_SEC = 30,
    TICK_MS = 10,
    CLAIM_TICK_MS = 1, /* while the program may be about to wait for its end */
    MAX_FILES = 20000,
    MAX_OPEN = 256
};

#define MAX_OUTPUT (UINT64_C(64) << 20)
#define MAX_FILE (UINT64_C(128) << 20)
#define USUAL_STACK (UINT64_C(8) << 20)
#define MAX_STACK (UINT64_C(64) << 20)

/* Descriptors of the child, and of this process for it. box.c tells bubblewrap the numbers. */
enum { NULL_IN, OUT, ERROR, CHANNEL, SOURCE, FILTER, INFO, USERS, HOSTS, N_FDS };

static const char users[] = "nobody:x:65534:65534:nobody:/tmp:/usr/sbin/nologin\n";
static const char hosts[] = "127.0.0.1 localhost box\n::1 localhost\n";

/* A program that runs. */
struct run {
    struct cril_box *box;
    const struct cril_box_bounds *bounds;
    struct cril_box_end *end;
    int theirs[N_FDS];
    int channel, info; /* our ends; -1: closed */
    pid_t pid;         /* of bubblewrap outside; 0: it has been waited for */
    int bwrap, first;  /* pidfds of it and of process 1 of the box; -1: not known */
    struct cril_watch watch;
    bool claims_end;
    double start, cpu_at_start;
};

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- start ---- */

static cril_status open_theirs(struct run *r, struct cril_bytes source, cril_error *err)
{
    int out[2] = {-1, -1}, error[2] = {-1, -1}, info[2] = {-1, -1}, channel[2] = {-1, -1};
    cril_status st = CRIL_OK;

    if (cril_spawn_pipe(out) == 0 && cril_spawn_pipe(error) == 0 && cril_spawn_pipe(info) == 0 &&
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) == 0) {
        channel[0] = cril_spawn_move_up(channel[0]);
        channel[1] = cril_spawn_move_up(channel[1]);
        r->theirs[NULL_IN] = cril_spawn_null();
        r->theirs[SOURCE] = cril_spawn_text("cril-program", source.data, source.len);
        r->theirs[USERS] = cril_spawn_text("cril-users", users, sizeof(users) - 1);
        r->theirs[HOSTS] = cril_spawn_text("cril-hosts", hosts, sizeof(hosts) - 1);
        st = cril_filter_open(&r->theirs[FILTER], err);
    }
    r->theirs[OUT] = out[1];
    r->theirs[ERROR] = error[1];
    r->theirs[INFO] = info[1];
    r->theirs[CHANNEL] = channel[1];
    r->channel = channel[0];
    r->info = info[0];
    cril_drain_start(&r->end->out, out[0], false);
    cril_drain_start(&r->end->error, error[0], true);
    for (int i = 0; st == CRIL_OK && i < N_FDS; i++)
        if (r->theirs[i] < 0 || r->channel < 0)
            st = cril_fail(err, CRIL_ERR_IO, "no descriptor for the box of a program: %s",
                           strerror(errno));
    return st;
}

static cril_status start(struct run *r, cril_error *err)
{
    const struct cril_box *b = r->box;
    const uint64_t cpu = (uint64_t)ceil(r->bounds->cpu_sec) + 1;
    const struct cril_spawn_limit limits[] = {
        {RLIMIT_AS, r->bounds->memory_bytes, r->bounds->memory_bytes},
        {RLIMIT_FSIZE, MAX_FILE, MAX_FILE},
        {RLIMIT_NOFILE, MAX_OPEN, MAX_OPEN},
        {RLIMIT_STACK, USUAL_STACK, MAX_STACK},
        {RLIMIT_CORE, 1, 1}, /* unlike 0 it also keeps a handler of cores from being called */
        {RLIMIT_MEMLOCK, 0, 0},
        {RLIMIT_MSGQUEUE, 0, 0},
        {RLIMIT_CPU, cpu, cpu + 1}, /* last: absent without a bound */
    };
    const size_t n = sizeof(limits) / sizeof(limits[0]);
    const struct cril_spawn s = {.path = b->bwrap,
                                 .argv = b->argv,
                                 .envp = b->envp,
                                 .fds = r->theirs,
                                 .n_fds = N_FDS,
                                 .confined = true,
                                 .nobody = b->nobody,
                                 .limits = limits,
                                 .n_limits = r->bounds->cpu_sec > 0 ? n : n - 1,
                                 .cgroups = b->cgroup.entry,
                                 .n_cgroups = b->cgroup.n,
                                 .stages = b->stages,
                                 .n_stages = b->n_stages};
    cril_status st;

    if (!cril_cgroup_start(&r->box->cgroup, r->bounds->memory_bytes))
        return cril_fail(err, CRIL_ERR_IO, "%s: a memory bound of %llu bytes cannot be set: %s",
                         b->cgroup.folder[b->cgroup.memory_at],
                         (unsigned long long)r->bounds->memory_bytes, strerror(errno));
    if ((st = cril_spawn(&s, &r->pid, err)) != CRIL_OK)
        return st;
    for (int i = 0; i < N_FDS; i++)
        close_one(&r->theirs[i]);
    r->bwrap = (int)syscall(SYS_pidfd_open, r->pid, 0);
    if (r->bwrap < 0)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "no descriptor of the process of the box (Linux 5.3 or newer has them): "
                         "%s",
                         strerror(errno));
    return CRIL_OK;
}

/* ---- end ---- */

static bool wait_for(int fd, int sec)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    const double limit = cril_clock_sec() + sec;
    int n;

    while ((n = poll(&p, 1, sec * 1000)) < 0 && errno == EINTR && cril_clock_sec() < limit) {
    }
    return n == 1;
}

/* Kills all that is in the box, and waits until it is gone. bubblewrap's outer process waits for
 * process 1, which waits for all others. */
static void stop(struct run *r)
{
    if (r->first >= 0)
        syscall(SYS_pidfd_send_signal, r->first, SIGKILL, NULL, 0);
    if (r->pid > 0) {
        if (r->first < 0 || !wait_for(r->bwrap, END_SEC))
            kill(r->pid, SIGKILL);
        while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        r->pid = 0;
    }
    if (r->first >= 0)
        wait_for(r->first, END_SEC);
}

static void release(struct run *r)
{
    stop(r);
    for (int i = 0; i < N_FDS; i++)
        close_one(&r->theirs[i]);
    close_one(&r->channel);
    close_one(&r->info);
    close_one(&r->bwrap);
    close_one(&r->first);
    cril_watch_close(&r->watch);
    cril_drain_read(&r->end->out);
    cril_drain_read(&r->end->error);
    cril_drain_close(&r->end->out);
    cril_drain_close(&r->end->error);
}

/* ---- between ---- */

/* Waits for anything to happen. true: bubblewrap has ended, and end->status says how. */
static bool wait_a_little(struct run *r, int tick_ms)
{
    const bool listens = !r->claims_end && !r->end->reached_end; /* one message is enough */
    struct pollfd p[4] = {{.fd = r->end->out.fd, .events = POLLIN},
                          {.fd = r->end->error.fd, .events = POLLIN},
                          {.fd = listens ? r->channel : -1, .events = POLLIN},
                          {.fd = r->bwrap, .events = POLLIN}};
    int status;

    poll(p, 4, tick_ms);
    cril_drain_read(&r->end->out);
    cril_drain_read(&r->end->error);
    if (waitpid(r->pid, &status, WNOHANG) != r->pid)
        return false;
    r->pid = 0;
    r->end->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

/* A message on the channel; 0: none. Once the other end is gone the channel is closed. */
static size_t receive(struct run *r, char *text, size_t size)
{
    const ssize_t n = r->channel >= 0 ? recv(r->channel, text, size - 1, MSG_DONTWAIT) : -1;

    if (n == 0)
        close_one(&r->channel);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    return (size_t)n;
}

/* The program's start is told which of two it is; its end needs no more than a message. */
static void let_go_on(const struct run *r)
{
    if (send(r->channel, r->bounds->as_library ? "l" : "m", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        /* then it has ended, which waiting for it tells */
    }
}

static cril_status no_start(struct run *r, cril_error *err)
{
    char line[400];

    cril_drain_read(&r->end->error);
    cril_drain_last_line(&r->end->error, line, sizeof(line));
    return cril_fail(err, CRIL_ERR_UNSUPPORTED, "the box does not start: %s",
                     *line ? line : "it says nothing");
}

/* The kernel's count has children that nobody waited for, the other what there is without it. */
static double count_cpu(const struct run *r, const struct cril_watch_use *use)
{
    const double counted = cril_cgroup_cpu_sec(&r->box->cgroup);

    return counted > use->cpu_sec ? counted : use->cpu_sec;
}

/* The wrapper has said which process the program is: see where it waits, and let it begin. */
static cril_status begin(struct run *r, pid_t program, cril_error *err)
{
    const double limit = cril_clock_sec() + START_SEC;
    struct cril_watch_use use;
    char text[1024];
    const char *at;
    cril_status st;
    ssize_t n = read(r->info, text, sizeof(text) - 1);
    pid_t first;

    text[n > 0 ? n : 0] = '\0';
    if (!(at = strstr(text, "\"child-pid\":")) || (first = (pid_t)strtol(at + 12, NULL, 10)) <= 0 ||
        (r->first = (int)syscall(SYS_pidfd_open, first, 0)) < 0)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: does not say which process is the first of its box", r->box->bwrap);
    if ((st = cril_watch_open(&r->watch, first, program, CRIL_PYTHON_CHANNEL, err)) != CRIL_OK)
        return st;
    for (;;) {
        const enum cril_watch_place place = cril_watch_program(&r->watch, true);

        if (place == CRIL_WATCH_UNKNOWN)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "/proc/%ld/root/proc/%ld/syscall: %s, so nothing tells whether a "
                             "program ran to its end; kernel.yama.ptrace_scope must be below 3",
                             (long)first, (long)program, strerror(errno));
        if (place == CRIL_WATCH_WAITING)
            break;
        if (cril_clock_sec() > limit || wait_a_little(r, CLAIM_TICK_MS))
            return no_start(r, err);
    }
    cril_watch_look(&r->watch, &use);
    r->cpu_at_start = count_cpu(r, &use);
    r->start = cril_clock_sec();
    let_go_on(r);
    return CRIL_OK;
}

static cril_status wait_for_start(struct run *r, cril_error *err)
{
    const double limit = cril_clock_sec() + START_SEC;
    char text[32];

    for (;;) {
        const bool has_ended = wait_a_little(r, TICK_MS);

        if (receive(r, text, sizeof(text)))
            return begin(r, (pid_t)strtol(text, NULL, 10), err);
        if (has_ended || cril_clock_sec() > limit)
            return no_start(r, err);
    }
}

/* Which bound is broken, if any is. */
static enum cril_box_stop find_broken(const struct run *r)
{
    const struct cril_box_bounds *b = r->bounds;
    struct cril_watch_use use;

    if (b->wall_sec > 0 && cril_clock_sec() - r->start > b->wall_sec)
        return CRIL_BOX_WALL;
    if (r->end->out.total + r->end->error.total > MAX_OUTPUT)
        return CRIL_BOX_OUTPUT;
    if (cril_cgroup_killed(&r->box->cgroup))
        return CRIL_BOX_MEMORY;
    cril_watch_look(&r->watch, &use);
    if (b->cpu_sec > 0 && count_cpu(r, &use) - r->cpu_at_start > b->cpu_sec)
        return CRIL_BOX_CPU;
    if (use.memory_bytes > b->memory_bytes && cril_watch_exact_memory(&r->watch) > b->memory_bytes)
        return CRIL_BOX_MEMORY;
    return use.files > MAX_FILES ? CRIL_BOX_FILES : CRIL_BOX_ENDED;
}

/* Until the program has ended, or has to. */
static void attend(struct run *r)
{
    struct cril_box_end *end = r->end;
    char text[32];
    double looked = 0;

    for (;;) {
        const bool has_ended = wait_a_little(r, r->claims_end ? CLAIM_TICK_MS : TICK_MS);
        const double t = cril_clock_sec();

        end->wall_sec = t - r->start;
        if (has_ended) {
            if (cril_cgroup_killed(&r->box->cgroup) && end->status != 0)
                end->stop = CRIL_BOX_MEMORY;
            return;
        }
        if (!end->reached_end) {
            enum cril_watch_place place = CRIL_WATCH_ELSEWHERE;

            if (receive(r, text, sizeof(text)))
                r->claims_end = true;
            if (r->claims_end)
                place = cril_watch_program(&r->watch, false);
            if (place == CRIL_WATCH_WAITING) {
                end->reached_end = true;
                r->claims_end = false;
                let_go_on(r);
                continue;
            }
            if (place == CRIL_WATCH_DEEPER) { /* it waits there for nothing */
                end->status = 0;
                return;
            }
        }
        if (t - looked < TICK_MS * 1e-3 && end->out.total + end->error.total <= MAX_OUTPUT)
            continue;
        looked = t;
        if ((end->stop = find_broken(r)) != CRIL_BOX_ENDED)
            return;
    }
}

cril_status cril_box_run(struct cril_box *b, struct cril_bytes source,
                         const struct cril_box_bounds *bounds, struct cril_box_end *end,
                         cril_error *err)
{
    struct run r = {.box = b,
                    .bounds = bounds,
                    .end = end,
                    .channel = -1,
                    .info = -1,
                    .bwrap = -1,
                    .first = -1,
                    .watch = {.proc = -1, .tmp = -1, .shm = -1}};
    cril_status st;

    end->stop = CRIL_BOX_ENDED;
    end->status = 0;
    end->reached_end = false;
    end->wall_sec = 0;
    for (int i = 0; i < N_FDS; i++)
        r.theirs[i] = -1;
    if ((st = open_theirs(&r, source, err)) == CRIL_OK && (st = start(&r, err)) == CRIL_OK &&
        (st = wait_for_start(&r, err)) == CRIL_OK)
        attend(&r);
    release(&r);
    return st;
}
