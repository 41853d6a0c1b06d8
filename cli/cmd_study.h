/* The subcommands of cril study: one file each, one row in cmd_study.c. */
#ifndef CRIL_CLI_CMD_STUDY_H
#define CRIL_CLI_CMD_STUDY_H

#include "cmd.h"

extern const struct cril_cmd cril_study_cmd_init, cril_study_cmd_check, cril_study_cmd_run,
    cril_study_cmd_status, cril_study_cmd_import, cril_study_cmd_merge, cril_study_cmd_dump,
    cril_study_cmd_slurm;

#endif
