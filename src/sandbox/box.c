/*
 * What bubblewrap is told (bwrap(1)) makes the program see:
 *
 *     /usr, /bin, /lib, ...   the system's, read-only
 *     /etc                    a few files of the system's; names of users and hosts of our own
 *     paths of the Python     read-only, under their own names
 *     /tmp, /dev/shm          empty, of a bounded size; the first is where it starts
 *     /proc, /dev             the box's own
 *
 * and nothing else. box_run.c starts it.
 */
#define _GNU_SOURCE /* SA_NOCLDWAIT, realpath, PATH_MAX */
#include "sandbox/box.h"

#include "sandbox/spawn.h"
#include "util/fail.h"
#include "util/size.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the descriptors that the child has (box_run.c). */
#define FD_FILTER "5"
#define FD_INFO "6"
#define FD_USERS "7"
#define FD_HOSTS "8"

#define TMP_BYTES "268435456"
#define SHM_BYTES "67108864"

enum { OLDEST_MAJOR = 0, OLDEST_MINOR = 8 };

/* Of /etc: what libraries look up and tells nothing of the user. */
static const char *const of_etc[] = {"/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime",
                                     "/etc/timezone",    "/etc/fonts",        "/etc/mime.types",
                                     "/etc/matplotlibrc"};

static const char *const options[] = {"--unshare-all",
                                      "--unshare-user",
                                      "--disable-userns",
                                      "--new-session",
                                      "--die-with-parent",
                                      "--as-pid-1",
                                      "--cap-drop",
                                      "ALL",
                                      "--uid",
                                      "65534",
                                      "--gid",
                                      "65534",
                                      "--hostname",
                                      "box",
                                      "--seccomp",
                                      FD_FILTER,
                                      "--info-fd",
                                      FD_INFO,
                                      "--proc",
                                      "/proc",
                                      "--dev",
                                      "/dev",
                                      "--size",
                                      SHM_BYTES,
                                      "--tmpfs",
                                      "/dev/shm",
                                      "--remount-ro",
                                      "/dev",
                                      "--file",
                                      FD_USERS,
                                      "/etc/passwd",
                                      "--file",
                                      FD_HOSTS,
                                      "/etc/hosts"};

static const char *const last_options[] = {"--size",  TMP_BYTES, "--tmpfs",      "/tmp",
                                           "--chdir", "/tmp",    "--remount-ro", "/"};

/* One thread: on a machine with many, each would reserve memory, and results would differ. */
static const char *const variables[] = {"HOME=/tmp",
                                        "TMPDIR=/tmp",
                                        "USER=nobody",
                                        "LOGNAME=nobody",
                                        "LANG=C.UTF-8",
                                        "LC_ALL=C.UTF-8",
                                        "TZ=UTC",
                                        "PYTHONHASHSEED=0",
                                        "PYTHONNOUSERSITE=1",
                                        "PYTHONDONTWRITEBYTECODE=1",
                                        "PYTHONIOENCODING=utf-8:backslashreplace",
                                        "MPLBACKEND=Agg",
                                        "OMP_NUM_THREADS=1",
                                        "OPENBLAS_NUM_THREADS=1",
                                        "MKL_NUM_THREADS=1",
                                        "NUMEXPR_NUM_THREADS=1"};

enum {
    N_OF_ETC = sizeof(of_etc) / sizeof(of_etc[0]),
    N_OPTIONS = sizeof(options) / sizeof(options[0]),
    N_LAST = sizeof(last_options) / sizeof(last_options[0]),
    N_VARIABLES = sizeof(variables) / sizeof(variables[0]),
    N_SYSTEM = 12
};

static cril_status out_of_memory(const struct cril_box *b, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", b->bwrap ? b->bwrap : "bwrap");
}

/* ---- what the box's user may read ---- */

static bool may_all_enter(const char *path)
{
    char part[PATH_MAX];
    struct stat st;
    const size_t len = strlen(path);

    if (len >= sizeof(part))
        return false;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (stat(part, &st) != 0 || (S_ISDIR(st.st_mode) && !(st.st_mode & S_IXOTH)))
            return false;
    }
    return true;
}

/* Whether anybody may enter all folders that lead to it, and to what it is a link to. */
static bool is_open_to_all(const char *path)
{
    char *real = realpath(path, NULL);
    const bool is_open = real && may_all_enter(path) && may_all_enter(real);

    free(real);
    return is_open;
}

/* Another name for what lies where only root may go. */
static cril_status add_stage(struct cril_box *b, const char *path, const char **from,
                             cril_error *err)
{
    char as[32];
    struct stat st;
    const char *text;

    if (stat(path, &st) != 0)
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    snprintf(as, sizeof(as), CRIL_SPAWN_STAGES "%zu", b->n_stages);
    if (!(text = cril_arena_text(&b->arena, as, strlen(as))))
        return out_of_memory(b, err);
    b->stages[b->n_stages++] = (struct cril_spawn_stage){path, text, S_ISDIR(st.st_mode)};
    *from = text;
    return CRIL_OK;
}

/* ---- arguments ---- */

struct list {
    const char **item; /* [n] */
    size_t n;
};

static void add(struct list *l, const char *const *items, size_t n)
{
    memcpy(l->item + l->n, items, n * sizeof(*items));
    l->n += n;
}

static void add_bind(struct list *l, const char *option, const char *from, const char *to)
{
    add(l, (const char *const[]){option, from, to}, 3);
}

/* On most systems /bin and the like are links into /usr. */
static bool add_system(struct list *l, const char *folder, struct cril_arena *a)
{
    char target[256];
    const ssize_t n = readlink(folder, target, sizeof(target));
    const char *text;

    if (n <= 0 || n == (ssize_t)sizeof(target)) {
        if (access(folder, X_OK) == 0)
            add_bind(l, "--ro-bind", folder, folder);
        return true;
    }
    if (!(text = cril_arena_text(a, target, (size_t)n)))
        return false;
    add_bind(l, "--symlink", text, folder);
    return true;
}

static cril_status make_arguments(struct cril_box *b, cril_error *err)
{
    const struct cril_python *p = &b->python;
    const size_t room = 1 + N_OPTIONS + N_LAST + 3 * (N_SYSTEM + N_OF_ETC + p->n_paths) + 16;
    struct list l = {cril_arena_take(&b->arena, room, sizeof(char *)), 0};
    char numbers[2][16];
    const char *texts[2];

    b->stages = cril_arena_take(&b->arena, p->n_paths + 1, sizeof(*b->stages));
    if (!l.item || !b->stages)
        return out_of_memory(b, err);
    add(&l, &b->bwrap, 1);
    for (size_t i = 0; cril_python_system[i]; i++)
        if (!add_system(&l, cril_python_system[i], &b->arena))
            return out_of_memory(b, err);
    add(&l, options, N_OPTIONS);
    for (size_t i = 0; i < N_OF_ETC; i++)
        add_bind(&l, "--ro-bind-try", of_etc[i], of_etc[i]);
    add(&l, last_options, N_LAST - 2); /* a Python may lie in /tmp */
    for (size_t i = 0; i < p->n_paths; i++) {
        const char *from = p->paths[i];

        if (b->nobody && !is_open_to_all(from)) {
            const cril_status st = add_stage(b, p->paths[i], &from, err);

            if (st != CRIL_OK)
                return st;
        }
        add_bind(&l, "--ro-bind", from, p->paths[i]);
    }
    add(&l, last_options + N_LAST - 2, 2);
    snprintf(numbers[0], sizeof(numbers[0]), "%d", CRIL_PYTHON_PROCESSES);
    snprintf(numbers[1], sizeof(numbers[1]), "%d", CRIL_PYTHON_CHANNEL);
    for (size_t i = 0; i < 2; i++)
        if (!(texts[i] = cril_arena_text(&b->arena, numbers[i], strlen(numbers[i]))))
            return out_of_memory(b, err);
    add(&l,
        (const char *const[]){"--", p->executable, "-s", "-c", cril_python_wrapper, texts[0],
                              texts[1], NULL},
        8);
    b->argv = (char *const *)l.item;
    return CRIL_OK;
}

/* "NAME=" and what follows it. */
static const char *join(struct cril_box *b, const char *name, const char *value, const char *more)
{
    const size_t n = strlen(name) + strlen(value) + strlen(more);
    char *text = cril_arena_take(&b->arena, n + 1, 1);

    if (text)
        snprintf(text, n + 1, "%s%s%s", name, value, more);
    return text;
}

static cril_status make_environment(struct cril_box *b, cril_error *err)
{
    const char **e = cril_arena_take(&b->arena, N_VARIABLES + 3, sizeof(*e));
    const char *slash = strrchr(b->python.executable, '/');
    const char *folder = cril_arena_text(&b->arena, b->python.executable,
                                         (size_t)(slash ? slash - b->python.executable : 0));

    if (!e || !folder)
        return out_of_memory(b, err);
    memcpy(e, variables, sizeof(variables));
    if (!(e[N_VARIABLES] = join(b, "PATH=", folder, ":/usr/local/bin:/usr/bin:/bin")))
        return out_of_memory(b, err);
    if (*b->python.library_path &&
        !(e[N_VARIABLES + 1] = join(b, "LD_LIBRARY_PATH=", b->python.library_path, "")))
        return out_of_memory(b, err);
    b->envp = (char *const *)e;
    return CRIL_OK;
}

cril_status cril_box_open(struct cril_box *b, const char *python, cril_error *err)
{
    struct sigaction children;
    cril_status st;

    *b = (struct cril_box){.nobody = geteuid() == 0};
    if (sigaction(SIGCHLD, NULL, &children) != 0 || children.sa_handler == SIG_IGN ||
        (children.sa_flags & SA_NOCLDWAIT))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "SIGCHLD is ignored, so the system does not say how a program ends; "
                         "whatever started this process has to restore it");
    if (!(b->bwrap = cril_python_search("bwrap", &b->arena)))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "bwrap: is not found in PATH, and programs that a model wrote run only in "
                         "its box; install bubblewrap (Debian: apt install bubblewrap)");
    if ((st = cril_python_find(python ? python : "python3", &b->arena, &b->python, err)) !=
            CRIL_OK ||
        (st = make_arguments(b, err)) != CRIL_OK || (st = make_environment(b, err)) != CRIL_OK)
        return st;
    cril_cgroup_open(&b->cgroup, 2 * CRIL_PYTHON_PROCESSES);
    return CRIL_OK;
}

void cril_box_close(struct cril_box *b)
{
    cril_cgroup_close(&b->cgroup);
    cril_arena_free(&b->arena);
}
