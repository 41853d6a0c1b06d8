/*
 * What a Python needs is asked of it: its libraries, those of the environment that a virtual one
 * stands on, folders of packages, the file that runs and the links that lead to it. Of a prefix
 * only the folders of libraries are taken, since a virtual environment may lie among a user's data.
 */
#define _GNU_SOURCE /* environ */
#include "sandbox/python.h"

#include "sandbox/drain.h"
#include "sandbox/spawn.h"
#include "util/clock.h"
#include "util/fail.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_SEC = 60, OLDEST_MINOR = 6, TICK_MS = 100 };

const char *const cril_python_system[] = {"/usr",   "/bin",    "/sbin",      "/lib",       "/lib32",
                                          "/lib64", "/libx32", "/nix/store", "/gnu/store", NULL};

/* Prints fields, each with a NUL behind: a mark, major, minor, version, executable, library path,
 * and all paths. argv: the folders of the system. */
static const char probe[] =
    "import os, sys\n"
    "system = sys.argv[1:]\n"
    "home = os.path.realpath(os.path.expanduser('~'))\n"
    "found = []\n"
    "def below(path, folders):\n"
    "    return any(path == f or path.startswith(f.rstrip('/') + '/') for f in folders)\n"
    "def add(path):\n"
    "    path = os.path.abspath(path)\n"
    "    for p in (path, os.path.realpath(path)):\n"
    "        if os.path.exists(p) and not below(p, system) and not below(home, [p]):\n"
    "            found.append(p)\n"
    "for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix):\n"
    "    for name in ('lib', 'lib64', 'share/zoneinfo', 'pyvenv.cfg'):\n"
    "        add(os.path.join(prefix, name))\n"
    "for path in sys.path:\n"
    "    if os.path.basename(path) in ('site-packages', 'dist-packages'):\n"
    "        add(path)\n"
    "add(sys.executable)\n"
    "step = sys.executable\n"
    "for i in range(40):\n"
    "    if os.path.islink(step):\n"
    "        step = os.path.join(os.path.dirname(step), os.readlink(step))\n"
    "        add(step)\n"
    "with open('/proc/self/maps', errors='surrogateescape') as maps:\n"
    "    for line in maps:\n"
    "        part = line.rstrip('\\n').split(None, 5)\n"
    "        if len(part) == 6 and 'x' in part[1] and part[5].startswith('/'):\n"
    "            add(part[5])\n"
    "paths = []\n"
    "for p in sorted(set(found)):\n"
    "    if not below(p, paths):\n"
    "        paths.append(p)\n"
    "library = [p for p in os.environ.get('LD_LIBRARY_PATH', '').split(':')\n"
    "           if p and below(os.path.realpath(p), system + paths)]\n"
    "fields = ['cril-python', sys.version_info[0], sys.version_info[1],\n"
    "          '.'.join(map(str, sys.version_info[:3])), os.path.abspath(sys.executable),\n"
    "          ':'.join(library)] + paths\n"
    "sys.stdout.buffer.write(b''.join(os.fsencode(str(f)) + b'\\0' for f in fields))\n";

/*
 * Two processes. The first is process 1 of the box: it collects orphans and ends as the second
 * does. bubblewrap's own process 1 would do so too, but has no filter of system calls, and one with
 * the program's user who could write into its memory.
 *
 * The second is the program. An exception, and SystemExit above all, never reaches the end of
 * run(): what follows the program there is followed only if the program ended. It stays apart from
 * guard(), since a tracing function may move a frame, but within one function only. What run() uses
 * it holds itself, whatever the program does to modules.
 */
const char cril_python_wrapper[] =
    "import os, resource, signal, sys\n"
    "def run(source, space, channel, compile, exec, read, write, getpid, leave, traces):\n"
    "    me = getpid()\n"
    "    write(channel, b'%d' % me)\n"
    "    if read(channel, 1) == b'l':\n"
    "        space['__name__'] = 'builtins'\n"
    "    exec(compile(source, 'program.py', 'exec', 0, True), space)\n"
    "    if getpid() != me:\n"
    "        leave(0)\n"
    "    for trace in traces:\n"
    "        trace(None)\n"
    "    write(channel, b'end')\n"
    "    read(channel, 1)\n"
    "    leave(0)\n"
    "def guard(hook, info, errors, leave, *rest):\n"
    "    status = 1\n"
    "    try:\n"
    "        run(*rest)\n"
    "    except SystemExit as e:\n"
    "        if e.code is None:\n"
    "            status = 0\n"
    "        elif isinstance(e.code, int):\n"
    "            status = e.code & 255\n"
    "        else:\n"
    "            hook(*info())\n"
    "    except BaseException:\n"
    "        hook(*info())\n"
    "    finally:\n"
    "        try:\n"
    "            errors.flush()\n"
    "        finally:\n"
    "            leave(status)\n"
    "with open(4, 'rb') as file:\n"
    "    source = file.read()\n"
    "channel = int(sys.argv.pop())\n"
    "count = int(sys.argv.pop())\n"
    "os.dup2(3, channel, False)\n"
    "os.close(3)\n"
    "resource.setrlimit(resource.RLIMIT_NPROC, (count, count))\n"
    "child = os.fork()\n"
    "if child:\n"
    "    signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
    "    os.close(channel)\n"
    "    pid = 0\n"
    "    while pid != child:\n"
    "        pid, status = os.wait()\n"
    "    os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else "
    "os.WEXITSTATUS(status))\n"
    "sys.argv[:] = ['program.py']\n"
    "sys.modules['__main__'] = module = type(sys)('__main__')\n"
    "guard(sys.__excepthook__, sys.exc_info, sys.stderr, os._exit, source, module.__dict__, "
    "channel,\n"
    "      compile, exec, os.read, os.write, os.getpid, os._exit, (sys.settrace, "
    "sys.setprofile))\n";

const char *cril_python_search(const char *name, struct cril_arena *a)
{
    const char *path = getenv("PATH");

    if (strchr(name, '/'))
        return access(name, X_OK) == 0 ? cril_arena_text(a, name, strlen(name)) : NULL;
    while (path && *path) {
        const size_t len = strcspn(path, ":");
        char full[4096];
        struct stat st;
        const int n = snprintf(full, sizeof(full), "%.*s/%s", (int)len, path, name);

        /* an empty or relative folder of PATH depends on where one stands */
        if (path[0] == '/' && n > 0 && n < (int)sizeof(full) && access(full, X_OK) == 0 &&
            stat(full, &st) == 0 && S_ISREG(st.st_mode))
            return cril_arena_text(a, full, (size_t)n);
        path += len + (path[len] == ':');
    }
    return NULL;
}

/* Runs argv to its end; *status as waitpid has it. out and error are drained. */
static cril_status run_outside(const char *path, char *const *argv, struct cril_drain *out,
                               struct cril_drain *error, int *status, cril_error *err)
{
    int pipes[2][2] = {{-1, -1}, {-1, -1}}, fds[3] = {-1, -1, -1};
    const double limit = cril_clock_sec() + START_SEC;
    cril_status st;
    pid_t pid;

    if (cril_spawn_pipe(pipes[0]) != 0 || cril_spawn_pipe(pipes[1]) != 0 ||
        (fds[0] = cril_spawn_null()) < 0) {
        st = cril_fail(err, CRIL_ERR_IO, "%s: cannot be started: %s", path, strerror(errno));
    } else {
        fds[1] = pipes[0][1];
        fds[2] = pipes[1][1];
        st = cril_spawn(
            &(struct cril_spawn){
                .path = path, .argv = argv, .envp = environ, .fds = fds, .n_fds = 3},
            &pid, err);
    }
    for (int i = 0; i < 2; i++)
        if (pipes[i][1] >= 0)
            close(pipes[i][1]);
    if (fds[0] >= 0)
        close(fds[0]);
    cril_drain_start(out, pipes[0][0], false);
    cril_drain_start(error, pipes[1][0], true);
    if (st != CRIL_OK)
        return st;
    while ((out->fd >= 0 || error->fd >= 0) && cril_clock_sec() < limit) {
        struct pollfd p[2] = {{.fd = out->fd, .events = POLLIN},
                              {.fd = error->fd, .events = POLLIN}};

        poll(p, 2, TICK_MS);
        cril_drain_read(out);
        cril_drain_read(error);
    }
    if (cril_clock_sec() >= limit)
        kill(-pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return cril_fail(err, CRIL_ERR_IO, "%s: its end cannot be waited for: %s", path,
                             strerror(errno));
    if (cril_clock_sec() >= limit)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: did not start within %d seconds", path,
                         START_SEC);
    return CRIL_OK;
}

/* The next field, in the arena; *at moves behind it. NULL: there is none, or no memory. */
static const char *next_field(const char **at, const char *end, struct cril_arena *a)
{
    const char *stop = *at < end ? memchr(*at, '\0', (size_t)(end - *at)) : NULL;
    const char *field = stop ? cril_arena_text(a, *at, (size_t)(stop - *at)) : NULL;

    if (stop)
        *at = stop + 1;
    return field;
}

static cril_status parse(const char *text, size_t len, struct cril_arena *a,
                         struct cril_python *out, cril_error *err)
{
    const char *at = text, *const end = text + len, *mark, *major, *minor;
    size_t n = 0;

    mark = next_field(&at, end, a);
    major = next_field(&at, end, a);
    minor = next_field(&at, end, a);
    out->version = next_field(&at, end, a);
    out->executable = next_field(&at, end, a);
    out->library_path = next_field(&at, end, a);
    if (!mark || strcmp(mark, "cril-python") || !major || !minor || !out->version ||
        !out->executable || !out->library_path)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: does not answer as a Python does",
                         out->name);
    if (strcmp(major, "3") || strtol(minor, NULL, 10) < OLDEST_MINOR)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: is Python %s; 3.%d or newer is needed",
                         out->name, out->version, OLDEST_MINOR);
    for (const char *p = at; p < end; p++)
        n += !*p;
    if (!(out->paths = cril_arena_take(a, n + 1, sizeof(*out->paths))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", out->name);
    for (size_t i = 0; i < n; i++)
        if (!(out->paths[out->n_paths++] = next_field(&at, end, a)))
            return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", out->name);
    return CRIL_OK;
}

static cril_status ask(const char *path, struct cril_drain *text, struct cril_drain *error,
                       struct cril_arena *a, struct cril_python *out, cril_error *err)
{
    enum { FIXED = 4, SYSTEM = sizeof(cril_python_system) / sizeof(cril_python_system[0]) };
    const char *argv[FIXED + SYSTEM] = {path, "-I", "-c", probe};
    char line[200];
    cril_status st;
    int status;
    size_t len;

    memcpy(argv + FIXED, cril_python_system, sizeof(cril_python_system));
    st = run_outside(path, (char *const *)argv, text, error, &status, err);
    if (st == CRIL_OK && status != 0) {
        cril_drain_last_line(error, line, sizeof(line));
        st = cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: does not start as a Python%s%s", out->name,
                       *line ? ": " : "", line);
    }
    if (st == CRIL_OK) {
        const char *fields = cril_drain_text(text, &len);

        st = parse(fields, len, a, out, err);
    }
    cril_drain_close(text);
    cril_drain_close(error);
    return st;
}

cril_status cril_python_find(const char *name, struct cril_arena *a, struct cril_python *out,
                             cril_error *err)
{
    struct cril_drain *drains;
    const char *path;
    cril_status st;

    *out = (struct cril_python){.name = cril_arena_text(a, name, strlen(name))};
    if (!out->name)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", name);
    if (!(path = cril_python_search(name, a)))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         strchr(name, '/') ? "%s: no program is there; name a Python"
                                           : "%s: is not found in PATH; install it, or name "
                                             "another Python",
                         name);
    if (!(drains = calloc(2, sizeof(*drains))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", name);
    st = ask(path, &drains[0], &drains[1], a, out, err);
    free(drains);
    return st;
}
