/*
 * Documentation/admin-guide/cgroup-v1/ and cgroup-v2.rst of Linux.
 *
 * Version 1: a folder below this process' own in each of the hierarchies memory, pids and cpuacct.
 * Version 2: a folder beside this process' own (a group with processes hands no controllers to
 * groups in it), below it, or at the root; the one that gets the memory controller.
 *
 * The name holds the process' number, so that a later one can remove what a killed one left behind.
 */
#include "sandbox/cgroup.h"

#include "sandbox/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 4096, TRIES = 200 };

static const char *const controllers[CRIL_CGROUPS] = {"memory", "pids", "cpuacct"};

/* ---- files ---- */

static int open_file(const char *folder, const char *name, int flags)
{
    char path[CRIL_CGROUP_PATH + 64];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return open(path, flags | O_CLOEXEC);
}

static bool put(const char *folder, const char *name, const char *text)
{
    const int fd = open_file(folder, name, O_WRONLY);
    bool done;

    if (fd < 0)
        return false;
    done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return done;
}

static bool put_number(const char *folder, const char *name, uint64_t value)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    return put(folder, name, text);
}

static bool get(const char *folder, const char *name, char *text, size_t size)
{
    const int fd = open_file(folder, name, O_RDONLY);
    ssize_t n;

    if (fd < 0)
        return false;
    n = read(fd, text, size - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The number behind a word at the start of a line. */
static uint64_t find_number(const char *text, const char *word)
{
    const size_t len = strlen(word);

    for (const char *at = text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        if (!strncmp(at, word, len) && at[len] == ' ')
            return strtoull(at + len, NULL, 10);
    return 0;
}

/* ---- where this process is ---- */

/* Whether a list "a,b,c" of text [len] names it. */
static bool lists(const char *text, size_t len, const char *name)
{
    const char *const end = text + len;

    while (text < end) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const size_t n = (size_t)((comma ? comma : end) - text);

        if (n == strlen(name) && !memcmp(text, name, n))
            return true;
        text += n + 1;
    }
    return false;
}

/* The path of this process in the hierarchy of a controller, NULL: that of version 2. */
static bool find_own(const char *controller, char path[CRIL_CGROUP_PATH])
{
    char line[LINE];
    bool found = false;
    FILE *f = fopen("/proc/self/cgroup", "re");

    while (f && !found && fgets(line, sizeof(line), f)) {
        char *list = strchr(line, ':'), *at = list ? strchr(list + 1, ':') : NULL;

        if (!at)
            continue;
        list++;
        found = controller ? lists(list, (size_t)(at - list), controller) : at == list;
        at[strcspn(at, "\n")] = '\0';
        if (found && snprintf(path, CRIL_CGROUP_PATH, "%s", at + 1) >= CRIL_CGROUP_PATH)
            found = false;
    }
    if (f)
        fclose(f);
    return found;
}

/*
 * Where that hierarchy is mounted, and which of its paths is there. A line of mountinfo:
 *
 *     35 31 0:32 /root/of/mount /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
 */
static bool find_mount(const char *controller, char root[CRIL_CGROUP_PATH],
                       char point[CRIL_CGROUP_PATH])
{
    char line[LINE];
    bool found = false;
    FILE *f = fopen("/proc/self/mountinfo", "re");

    while (f && !found && fgets(line, sizeof(line), f)) {
        char type[32], options[512];
        const char *behind = strstr(line, " - ");

        if (!behind || sscanf(behind, " - %31s %*s %511s", type, options) != 2 ||
            sscanf(line, "%*s %*s %*s %511s %511s", root, point) != 2)
            continue;
        found = controller ? !strcmp(type, "cgroup") && lists(options, strlen(options), controller)
                           : !strcmp(type, "cgroup2");
    }
    if (f)
        fclose(f);
    return found;
}

/* The folder of this process' own group; *point: of the whole hierarchy. */
static bool find_folder(const char *controller, char own[CRIL_CGROUP_PATH],
                        char point[CRIL_CGROUP_PATH])
{
    char path[CRIL_CGROUP_PATH], root[CRIL_CGROUP_PATH];
    size_t skip;

    if (!find_own(controller, path) || !find_mount(controller, root, point))
        return false;
    skip = strcmp(root, "/") && !strncmp(path, root, strlen(root)) ? strlen(root) : 0;
    while (*path && path[strlen(path) - 1] == '/')
        path[strlen(path) - 1] = '\0';
    return snprintf(own, CRIL_CGROUP_PATH, "%s%s", point, strlen(path) > skip ? path + skip : "") <
           CRIL_CGROUP_PATH;
}

/* ---- groups ---- */

/* Removes groups of processes that are no more. */
static void sweep(const char *parent)
{
    DIR *d = opendir(parent);
    const struct dirent *e;

    while (d && (e = readdir(d)) != NULL) {
        char path[CRIL_CGROUP_PATH + 300], *end;
        long pid;

        if (strncmp(e->d_name, "cril-", 5))
            continue;
        pid = strtol(e->d_name + 5, &end, 10);
        if (*end == '-' && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
            snprintf(path, sizeof(path), "%s/%s", parent, e->d_name);
            rmdir(path);
        }
    }
    if (d)
        closedir(d);
}

static void leave_last(struct cril_cgroup *g)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    g->n--;
    close(g->entry[g->n]);
    for (int i = 0; i < TRIES && rmdir(g->folder[g->n]) != 0 && errno == EBUSY; i++)
        nanosleep(&pause, NULL); /* the last process is not quite gone */
}

/* One more folder, in parent. */
static bool make(struct cril_cgroup *g, const char *parent)
{
    char *folder = g->folder[g->n];
    int fd;

    sweep(parent);
    for (unsigned i = 0;; i++) { /* a process may have several boxes */
        if (snprintf(folder, CRIL_CGROUP_PATH, "%s/cril-%ld-%u", parent, (long)getpid(), i) >=
            CRIL_CGROUP_PATH)
            return false;
        if (mkdir(folder, 0755) == 0)
            break;
        if (errno != EEXIST || i == TRIES)
            return false;
    }
    if ((fd = cril_spawn_move_up(open_file(folder, "cgroup.procs", O_WRONLY))) < 0) {
        rmdir(folder);
        return false;
    }
    g->entry[g->n++] = fd;
    return true;
}

static void open_v1(struct cril_cgroup *g, unsigned processes)
{
    for (size_t i = 0; i < CRIL_CGROUPS; i++) {
        char own[CRIL_CGROUP_PATH], point[CRIL_CGROUP_PATH];

        if (!find_folder(controllers[i], own, point) || !make(g, own))
            continue;
        g->version = 1;
        if (i == 0) {
            g->has_memory = true;
            g->memory_at = g->n - 1;
        } else if (i == 1 && put_number(g->folder[g->n - 1], "pids.max", processes)) {
            g->has_processes = true;
            g->processes_at = g->n - 1;
        } else if (i == 2) {
            g->has_cpu = true;
            g->cpu_at = g->n - 1;
        } else {
            leave_last(g);
        }
    }
}

static bool try_v2(struct cril_cgroup *g, const char *parent, unsigned processes)
{
    char text[256];

    if (!make(g, parent))
        return false;
    g->has_memory = get(g->folder[0], "memory.max", text, sizeof(text));
    g->has_processes = put_number(g->folder[0], "pids.max", processes);
    g->has_cpu = get(g->folder[0], "cpu.stat", text, sizeof(text));
    if (g->has_memory) {
        g->version = 2;
        return true;
    }
    leave_last(g);
    g->has_processes = g->has_cpu = false;
    return false;
}

static void open_v2(struct cril_cgroup *g, unsigned processes)
{
    char own[CRIL_CGROUP_PATH], point[CRIL_CGROUP_PATH], beside[CRIL_CGROUP_PATH];
    char *slash;

    if (!find_folder(NULL, own, point))
        return;
    memcpy(beside, own, sizeof(beside));
    slash = strrchr(beside, '/');
    if (strlen(own) > strlen(point) && slash) {
        *slash = '\0';
        if (try_v2(g, beside, processes))
            return;
    }
    if (!try_v2(g, own, processes))
        try_v2(g, point, processes);
}

void cril_cgroup_open(struct cril_cgroup *g, unsigned processes)
{
    *g = (struct cril_cgroup){.n = 0};
    open_v1(g, processes);
    if (!g->version)
        open_v2(g, processes);
}

void cril_cgroup_close(struct cril_cgroup *g)
{
    while (g->n)
        leave_last(g);
    *g = (struct cril_cgroup){.n = 0};
}

/* ---- one program ---- */

static uint64_t count_killed(const struct cril_cgroup *g)
{
    char text[1024];

    if (!g->has_memory ||
        !get(g->folder[g->memory_at], g->version == 1 ? "memory.oom_control" : "memory.events",
             text, sizeof(text)))
        return 0;
    return find_number(text, "oom_kill");
}

static double read_cpu(const struct cril_cgroup *g)
{
    char text[1024];

    if (!g->has_cpu || !get(g->folder[g->cpu_at], g->version == 1 ? "cpuacct.usage" : "cpu.stat",
                            text, sizeof(text)))
        return 0;
    return g->version == 1 ? (double)strtoull(text, NULL, 10) * 1e-9
                           : (double)find_number(text, "usage_usec") * 1e-6;
}

bool cril_cgroup_start(struct cril_cgroup *g, uint64_t memory_bytes)
{
    g->killed_before = count_killed(g);
    g->cpu_before = read_cpu(g);
    if (!g->has_memory)
        return true;
    if (g->version == 2) {
        put(g->folder[0], "memory.swap.max", "0"); /* absent without swap */
        return put_number(g->folder[0], "memory.max", memory_bytes);
    }
    /* With swap the bound of both must never be below that of memory: raise it first. */
    put(g->folder[g->memory_at], "memory.memsw.limit_in_bytes", "-1");
    if (!put_number(g->folder[g->memory_at], "memory.limit_in_bytes", memory_bytes))
        return false;
    put_number(g->folder[g->memory_at], "memory.memsw.limit_in_bytes", memory_bytes);
    return true;
}

bool cril_cgroup_killed(const struct cril_cgroup *g)
{
    return count_killed(g) > g->killed_before;
}

double cril_cgroup_cpu_sec(const struct cril_cgroup *g)
{
    return g->has_cpu ? read_cpu(g) - g->cpu_before : 0;
}
