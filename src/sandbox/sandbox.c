/*
 * The box for programs: outcomes and sentences. box.c says what is in it, box_run.c how it is
 * bounded; doc/sandbox.md has the whole.
 */
#include "sandbox/sandbox.h"

#include "sandbox/box.h"
#include "util/fail.h"

#include <cril/text.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MEMORY (UINT64_C(4) << 30)
#define MIN_MEMORY (UINT64_C(64) << 20) /* for the Python itself */

enum { TRIAL_SEC = 60, MODULES_SEC = 600 };

struct cril_sandbox {
    struct cril_box box;
    struct cril_box_end end; /* of the last program */
};

/* ---- open ---- */

static cril_status run(struct cril_sandbox *s, const char *source, double wall_sec, cril_error *err)
{
    const struct cril_box_bounds bounds = {.wall_sec = wall_sec, .memory_bytes = DEFAULT_MEMORY};

    return cril_box_run(&s->box, cril_bytes_of(source), &bounds, &s->end, err);
}

static bool has_passed(const struct cril_box_end *e)
{
    return e->stop == CRIL_BOX_ENDED && e->reached_end && e->status == 0;
}

/* What helps, by what bubblewrap or the Python says. */
static const char *find_remedy(const struct cril_sandbox *s, const char *reason)
{
    if (strstr(reason, "bwrap: Unknown option"))
        return "; bubblewrap 0.8 or newer is needed";
    if (strstr(reason, "bwrap: execvp") || strstr(reason, "bwrap: Can't find source path"))
        return "; the Python cannot be run there: name another";
    if (strstr(reason, "bwrap: "))
        return "; the kernel must allow user namespaces to ordinary users (sysctl "
               "user.max_user_namespaces, kernel.unprivileged_userns_clone, "
               "kernel.apparmor_restrict_unprivileged_userns; a container needs them allowed from "
               "outside)";
    if (s->box.nobody && strstr(reason, "does not start"))
        return "; it runs as the user nobody (65534), who must be able to read that Python";
    return "";
}

static cril_status try_box(struct cril_sandbox *s, cril_error *err)
{
    cril_error reason = {.message = "the program that tries it does not come to its end"};
    cril_status st = run(s, "import os", TRIAL_SEC, &reason);

    if (st != CRIL_OK && s->box.cgroup.n) { /* it may make a group, but not enter it */
        cril_cgroup_close(&s->box.cgroup);
        st = run(s, "import os", TRIAL_SEC, &reason);
    }
    if (st == CRIL_OK && has_passed(&s->end))
        return CRIL_OK;
    if (st != CRIL_ERR_NOMEM)
        st = CRIL_ERR_UNSUPPORTED;
    return cril_fail(err, st, "programs that a model wrote cannot be run here with %s: %s%s",
                     s->box.python.executable, reason.message, find_remedy(s, reason.message));
}

cril_status cril_sandbox_open(const char *python, struct cril_sandbox **out, cril_error *err)
{
    struct cril_sandbox *s;
    cril_status st;

    if (CRIL_LACKS(err, out))
        return CRIL_ERR_RANGE;
    if (!(s = calloc(1, sizeof(*s))))
        return cril_fail(err, CRIL_ERR_NOMEM, "bwrap: out of memory");
    if ((st = cril_box_open(&s->box, python, err)) != CRIL_OK ||
        (st = try_box(s, err)) != CRIL_OK) {
        cril_sandbox_close(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

void cril_sandbox_close(struct cril_sandbox *s)
{
    if (!s)
        return;
    cril_box_close(&s->box);
    free(s);
}

const char *cril_sandbox_python(const struct cril_sandbox *s)
{
    return s ? s->box.python.version : NULL;
}

/* ---- modules ---- */

/* The names become part of a program. */
static bool are_names(const char *names)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_. ";

    return names[strspn(names, allowed)] == '\0' && names[strspn(names, " ")] != '\0';
}

cril_status cril_sandbox_modules(struct cril_sandbox *s, const char *names, char **versions,
                                 cril_error *err)
{
    static const char head[] = "import importlib\n"
                               "found = []\n"
                               "for name in '";
    static const char tail[] =
        "'.split():\n"
        "    version = getattr(importlib.import_module(name), '__version__', None)\n"
        "    if version is None:\n"
        "        try:\n"
        "            from importlib import metadata\n"
        "            version = metadata.version(name)\n"
        "        except Exception:\n"
        "            version = 'unknown'\n"
        "    found += [name, ''.join(str(version).split())]\n"
        "print('\\ncril-versions ' + ' '.join(found), flush=True)\n";
    static const char mark[] = "\ncril-versions ";
    char *source, *text, line[300];
    size_t size, len;
    cril_status st;

    if (CRIL_LACKS(err, s, names, versions))
        return CRIL_ERR_RANGE;
    if (!are_names(names))
        return cril_fail(err, CRIL_ERR_RANGE, "\"%.80s\" is not a list of names of Python modules",
                         names);
    size = sizeof(head) + strlen(names) + sizeof(tail);
    if (!(source = malloc(size)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->box.python.executable);
    snprintf(source, size, "%s%s%s", head, names, tail);
    st = run(s, source, MODULES_SEC, err);
    free(source);
    if (st != CRIL_OK)
        return st;
    cril_drain_last_line(&s->end.error, line, sizeof(line));
    text = strstr(cril_drain_text(&s->end.out, &len), mark);
    if (!has_passed(&s->end) || !text)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s (Python %s) cannot import all of: %s (%s); install what is missing "
                         "for that Python, or name another",
                         s->box.python.executable, s->box.python.version, names,
                         *line ? line : "it says nothing");
    text += sizeof(mark) - 1;
    text[strcspn(text, "\n")] = '\0';
    if (!(*versions = strdup(text)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->box.python.executable);
    return CRIL_OK;
}

/* ---- programs ---- */

static void fail_of_status(struct cril_box_end *e, struct cril_sandbox_outcome *out)
{
    char line[sizeof(out->message) - sizeof("failed: ")];

    out->end = CRIL_SANDBOX_FAILED;
    cril_drain_last_line(&e->error, line, sizeof(line));
    if (e->status > 128 && e->status <= 128 + 64)
        snprintf(out->message, sizeof(out->message), "failed: signal %d (%.80s)", e->status - 128,
                 strsignal(e->status - 128));
    else if (*line)
        snprintf(out->message, sizeof(out->message), "failed: %s", line);
    else
        snprintf(out->message, sizeof(out->message), "failed: exit status %d", e->status);
}

static void judge(struct cril_box_end *e, struct cril_sandbox_outcome *out)
{
    static const struct {
        enum cril_sandbox_end end;
        const char *message;
    } stops[] = {
        [CRIL_BOX_WALL] = {CRIL_SANDBOX_TIMED_OUT, "timed out"},
        [CRIL_BOX_CPU] = {CRIL_SANDBOX_TIMED_OUT, "timed out: processor time"},
        [CRIL_BOX_MEMORY] = {CRIL_SANDBOX_MEMORY, "killed: too much memory"},
        [CRIL_BOX_FILES] = {CRIL_SANDBOX_MEMORY, "killed: too many files"},
        [CRIL_BOX_OUTPUT] = {CRIL_SANDBOX_OUTPUT, "killed: too much output"},
    };
    const bool by_cpu_limit = e->stop == CRIL_BOX_ENDED && e->status == 128 + SIGXCPU;
    const enum cril_box_stop stop = by_cpu_limit ? CRIL_BOX_CPU : e->stop;

    out->wall_sec = e->wall_sec;
    if (stop != CRIL_BOX_ENDED) {
        out->end = stops[stop].end;
        snprintf(out->message, sizeof(out->message), "%s", stops[stop].message);
    } else if (e->status != 0) {
        fail_of_status(e, out);
    } else {
        out->end = e->reached_end ? CRIL_SANDBOX_PASSED : CRIL_SANDBOX_EARLY;
        snprintf(out->message, sizeof(out->message), "%s",
                 e->reached_end ? "passed" : "failed: it stopped before its end");
    }
}

cril_status cril_sandbox_run(struct cril_sandbox *s, const struct cril_sandbox_program *program,
                             struct cril_sandbox_outcome *out, cril_error *err)
{
    cril_status st;

    if (CRIL_LACKS(err, s, program, out))
        return CRIL_ERR_RANGE;
    if (!(program->wall_sec > 0) || !(program->wall_sec < 1e6) || !(program->cpu_sec >= 0) ||
        !(program->cpu_sec < 1e6))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "a program needs a bound of its time, in seconds below a million");
    if (program->memory_bytes && program->memory_bytes < MIN_MEMORY)
        return cril_fail(err, CRIL_ERR_RANGE, "a program needs 64 MiB of memory or more");
    st = cril_box_run(&s->box, program->source,
                      &(struct cril_box_bounds){.wall_sec = program->wall_sec,
                                                .cpu_sec = program->cpu_sec,
                                                .as_library = program->as_library,
                                                .memory_bytes = program->memory_bytes
                                                                    ? program->memory_bytes
                                                                    : DEFAULT_MEMORY},
                      &s->end, err);
    if (st == CRIL_OK)
        judge(&s->end, out);
    return st;
}
