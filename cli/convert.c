/* Drawings in other formats (convert.h). */
#include "convert.h"

#include "output.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char program[] = "rsvg-convert";

/* 0, or errno of what kept it from starting. */
static int start(FILE *svg, const char *format, FILE *out, pid_t *pid)
{
    char name[32], zoom[] = "--zoom=2", own[sizeof(program)];
    char *const argv[] = {own, name, strcmp(format, "png") == 0 ? zoom : NULL, NULL};
    posix_spawn_file_actions_t actions;
    int number;

    memcpy(own, program, sizeof(program));
    snprintf(name, sizeof(name), "--format=%s", format);
    if ((number = posix_spawn_file_actions_init(&actions)))
        return number;
    if (!(number = posix_spawn_file_actions_adddup2(&actions, fileno(svg), STDIN_FILENO)) &&
        !(number = posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO)))
        number = posix_spawnp(pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

/* Its exit code; -1: a signal ended it. */
static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool cril_convert_svg(FILE *svg, const char *format, FILE *out)
{
    pid_t pid;
    int number;

    if (fflush(svg) || fflush(out) || lseek(fileno(svg), 0, SEEK_SET) < 0)
        return !cril_print_error("a temporary file could not be written: %s; make room, or name "
                                 "another folder in TMPDIR",
                                 strerror(errno));
    setenv("SOURCE_DATE_EPOCH", "0", 0); /* equal drawings become equal files, which have no date */
    if ((number = start(svg, format, out, &pid)) == ENOENT)
        return !cril_print_error("%s, which makes PDF and PNG files, is not in PATH; install it "
                                 "(Debian and Ubuntu: apt install librsvg2-bin), or write an .svg "
                                 "file",
                                 program);
    if (number)
        return !cril_print_error("%s cannot be run: %s; an .svg file needs no other program",
                                 program, strerror(number));
    if ((number = wait_for(pid)))
        return !cril_print_error(
            "%s ended with %s and made no %s file; an .svg file needs no other "
            "program",
            program, number < 0 ? "a signal" : "an error", format);
    return true;
}
