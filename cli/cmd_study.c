/*
 * cril study: models, corpora and benchmarks from one file. A word says what to do with it.
 */
#include "args.h"
#include "cmd_study.h"

#include <stdio.h>

static const struct cril_option options[] = {
    {.name = NULL},
};

static const struct cril_cmd *const parts[] = {
    &cril_study_cmd_init,   &cril_study_cmd_check,  &cril_study_cmd_run,
    &cril_study_cmd_status, &cril_study_cmd_import, &cril_study_cmd_merge,
    &cril_study_cmd_dump,   &cril_study_cmd_slurm,  NULL,
};

static void print_more_help(void)
{
    fputs("\n'cril study SUBCOMMAND --help' is the help of one.\n"
          "\nExamples:\n"
          "  cril study init > study.yaml\n"
          "  cril study check study.yaml\n"
          "  cril study run study.yaml\n"
          "  cril fit study.yaml\n",
          stdout);
}

const struct cril_cmd cril_cmd_study = {
    .name = "study",
    .summary = "Compare models over corpora and benchmarks, described in one file.",
    .usage = "study SUBCOMMAND [options] ...",
    .run = cril_args_run_part,
    .options = options,
    .more_help = print_more_help,
    .parts = parts,
};
