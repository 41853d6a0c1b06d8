/*
 * cril: finds the command, runs it, and makes sure that what it printed has arrived.
 *
 * Exit code: 0 done, 1 failed, 2 wrong usage, 128 + n ended by signal n.
 */
#include "args.h"
#include "bus.h"
#include "cmd.h"
#include "output.h"

#include <cril/cpu.h>
#include <cril/status.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct cril_cmd *const commands[] = {
    &cril_cmd_score,      &cril_cmd_diverge,  &cril_cmd_view,    &cril_cmd_eval,
    &cril_cmd_corpus,     &cril_cmd_leak,     &cril_cmd_compare, &cril_cmd_compress,
    &cril_cmd_decompress, &cril_cmd_test,     &cril_cmd_list,    &cril_cmd_cat,
    &cril_cmd_info,       &cril_cmd_tokenize, &cril_cmd_study,   &cril_cmd_fit,
    &cril_cmd_predict,    &cril_cmd_report,   &cril_cmd_export,  &cril_cmd_pull,
    &cril_cmd_selftest,
};

enum { N_COMMANDS = sizeof(commands) / sizeof(*commands) };

static void print_overview(FILE *f)
{
    fputs("cril measures how many bits a language model needs for a text, and compresses texts "
          "with it.\n\n"
          "Usage: cril COMMAND [options] ...\n\nCommands:\n",
          f);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(f, "  %-12s%s\n", commands[i]->name, commands[i]->summary);
    fputs("\nOptions:\n"
          "  -h, --help      print this help; 'cril help COMMAND' is that of a command\n"
          "  -V, --version   print the version, the numeric contract and the kernels in use\n",
          f);
}

static const struct cril_cmd *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    struct cril_nearest nearest = {.word = name};

    for (size_t i = 0; i < N_COMMANDS; i++)
        cril_nearest_offer(&nearest, commands[i]->name);
    if (nearest.best)
        return cril_args_usage(NULL, "unknown command '%.40s', the nearest is '%s'", name,
                               nearest.best);
    return cril_args_usage(NULL, "unknown command '%.40s'", name);
}

static int print_help(int argc, char **argv)
{
    const struct cril_cmd *cmd;

    if (argc < 2) {
        print_overview(stdout);
        return 0;
    }
    if (!(cmd = find_command(argv[1])))
        return unknown_command(argv[1]);
    if (argc > 2 + (cmd->parts != NULL))
        return cril_args_usage(NULL, "help takes one command");
    if (argc > 2 && !(cmd = cril_args_part(cmd, argv[2])))
        return 2;
    cril_args_help(cmd);
    return 0;
}

static int run(int argc, char **argv)
{
    const struct cril_cmd *cmd;
    cril_error err;

    if (argc < 2) {
        print_overview(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return print_help(argc - 1, argv + 1);
    if (cril_cpu_check(&err) != CRIL_OK) { /* a user who names kernels must get them */
        cril_print_error("%s", err.message);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("cril %s, numeric contract %d, kernels %s\n", CRIL_VERSION, CRIL_NUMERICS,
               cril_cpu_kernels());
        return 0;
    }
    if (argv[1][0] == '-')
        return cril_args_usage(NULL, "unknown option '%.40s'", argv[1]);
    if (!(cmd = find_command(argv[1])))
        return unknown_command(argv[1]);
    return cmd->run(cmd, argc - 1, argv + 1);
}

/*
 * A standard descriptor that came closed would be given to the first file opened. It is filled with
 * one that fails when used, as the closed one would.
 */
static void fill_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
            open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
            _exit(1);
}

int main(int argc, char **argv)
{
    int code;

    fill_descriptors();
    signal(SIGXFSZ, SIG_IGN); /* beyond ulimit -f a write fails then, and what wrote says so */
    cril_bus_catch();
    code = run(argc, argv);
    if (cril_stdout_good() && fclose(stdout) != 0)
        cril_stdout_failed(errno);
    if (!cril_stdout_failure())
        return code;
    if (cril_stdout_failure() == EPIPE) /* the reader has closed the pipe; ends as by SIGPIPE */
        return 128 + SIGPIPE;
    cril_print_error("standard output could not be written: %s; make room or choose another place",
                     strerror(cril_stdout_failure()));
    return code ? code : 1;
}
