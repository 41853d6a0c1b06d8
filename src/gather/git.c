/* Runs of git: see git.h. */
#define _GNU_SOURCE /* pipe2 */
#include "gather/git.h"

#include "gather/temporary.h"
#include "util/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGS = 24, LINE = 300, FIRST_BYTES = 4096, NO_PROGRAM = 127 };

/* No file of the user or the system is read, nothing is fetched, nothing is asked. */
static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                          "HOME=/nonexistent",
                                          "LC_ALL=C",
                                          "GIT_CONFIG_NOSYSTEM=1",
                                          "GIT_CONFIG_GLOBAL=/dev/null",
                                          "GIT_ATTR_NOSYSTEM=1",
                                          "GIT_OPTIONAL_LOCKS=0",
                                          "GIT_TERMINAL_PROMPT=0",
                                          "GIT_NO_LAZY_FETCH=1",
                                          "GIT_NO_REPLACE_OBJECTS=1",
                                          "GIT_ALLOW_PROTOCOL=none",
                                          "GIT_PAGER=cat",
                                          NULL};

static const char *const before[] = {"git",      "--no-pager",
                                     "-c",       "core.fsmonitor=false",
                                     "-c",       "log.showSignature=false",
                                     "-c",       "core.hooksPath=/dev/null",
                                     "--git-dir"};

/* ---- start ---- */

static cril_status spawn(struct cril_git *g, char *const *argv, int in, int out, cril_error *err)
{
    posix_spawn_file_actions_t actions;
    int failed;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    failed = in >= 0 ? posix_spawn_file_actions_adddup2(&actions, in, 0)
                     : posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, out, 1);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, g->errors, 2);
    failed = failed
                 ? failed
                 : posix_spawnp(&g->pid, "git", &actions, NULL, argv, (char *const *)environment);
    posix_spawn_file_actions_destroy(&actions);
    if (!failed)
        return CRIL_OK;
    g->pid = 0;
    if (failed == ENOENT)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "there is no program git; install the Debian package git");
    return cril_fail(err, CRIL_ERR_IO, "git cannot be started: %s", strerror(failed));
}

cril_status cril_git_start(struct cril_git *g, const char *folder, const char *const *args, int in,
                           cril_error *err)
{
    const size_t n_before = sizeof(before) / sizeof(*before);
    const char *argv[MAX_ARGS];
    int ends[2];
    size_t n = n_before;
    cril_status st;

    *g = (struct cril_git){.folder = folder, .errors = cril_temporary_file(NULL)};
    memcpy(argv, before, sizeof(before));
    argv[n++] = folder;
    for (; *args && n < MAX_ARGS - 1; args++)
        argv[n++] = *args;
    argv[n] = NULL;
    if (g->errors < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        st = cril_fail(err, CRIL_ERR_IO, "%s: git cannot be started: %s", folder, strerror(errno));
        cril_git_stop(g);
        return st;
    }
    st = spawn(g, (char *const *)argv, in, ends[1], err);
    close(ends[1]);
    if (st == CRIL_OK && !(g->out = fdopen(ends[0], "rb")))
        st = cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    if (!g->out)
        close(ends[0]);
    if (st != CRIL_OK)
        cril_git_stop(g);
    return st;
}

/* ---- end ---- */

static int wait_for(struct cril_git *g)
{
    int status = 0;

    while (waitpid(g->pid, &status, 0) < 0 && errno == EINTR) {
    }
    g->pid = 0;
    return status;
}

void cril_git_stop(struct cril_git *g)
{
    if (g->pid > 0) {
        kill(g->pid, SIGKILL);
        wait_for(g);
    }
    if (g->out)
        fclose(g->out);
    if (g->errors >= 0)
        close(g->errors);
    *g = (struct cril_git){.errors = -1};
}

/* The last line of what git complained of, without "fatal: ". */
static void last_line(const struct cril_git *g, char line[LINE])
{
    char text[4 * LINE];
    const off_t size = lseek(g->errors, 0, SEEK_END),
                from = size > (off_t)sizeof(text) - 1 ? size - (off_t)sizeof(text) + 1 : 0;
    const ssize_t n = pread(g->errors, text, sizeof(text) - 1, from);
    const char *start = text;
    size_t len = n > 0 ? (size_t)n : 0;

    while (len && text[len - 1] == '\n')
        len--;
    text[len] = '\0';
    if (strrchr(text, '\n'))
        start = strrchr(text, '\n') + 1;
    if (strncmp(start, "fatal: ", 7) == 0)
        start += 7;
    snprintf(line, LINE, "%.*s", LINE - 1, start);
}

cril_status cril_git_end(struct cril_git *g, cril_error *err)
{
    char line[LINE] = "";
    cril_status st = CRIL_OK;
    int status;

    if (g->out)
        fclose(g->out); /* what is not read, git cannot write */
    g->out = NULL;
    status = wait_for(g);
    last_line(g, line);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM)
        st = cril_fail(err, CRIL_ERR_UNSUPPORTED,
                       "there is no program git; install the Debian package git");
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        st = cril_fail(err, CRIL_ERR_FORMAT, "%s: git cannot read it: %s", g->folder,
                       *line ? line : "it ended early");
    cril_git_stop(g);
    return st;
}

/* ---- all at once ---- */

static bool grow(struct cril_memory *m, size_t len)
{
    const size_t wanted = m->bytes ? 2 * m->bytes : FIRST_BYTES;
    char *grown;

    if (len + 1 < m->bytes)
        return true;
    if (!(grown = realloc(m->data, wanted)))
        return false;
    m->data = grown;
    m->bytes = wanted;
    return true;
}

cril_status cril_git_read(const char *folder, const char *const *args, size_t max,
                          struct cril_memory *memory, size_t *len, cril_error *err)
{
    struct cril_git g;
    size_t n = 1;
    cril_status st = cril_git_start(&g, folder, args, -1, err);

    *len = 0;
    if (st != CRIL_OK)
        return st;
    while (n && *len <= max) {
        if (!grow(memory, *len)) {
            cril_git_stop(&g);
            return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", folder);
        }
        n = fread((char *)memory->data + *len, 1, memory->bytes - *len - 1, g.out);
        *len += n;
    }
    ((char *)memory->data)[*len] = '\0';
    if (*len <= max)
        return cril_git_end(&g, err);
    cril_git_stop(&g);
    return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: git prints more than %zu bytes", folder, max);
}
