/* The tasks, one file each. tasks.c lists them. */
#ifndef CRIL_TASKS_TABLE_H
#define CRIL_TASKS_TABLE_H

#include "tasks/task.h"

extern const struct cril_task cril_task_nq_open, cril_task_triviaqa, cril_task_arc_challenge,
    cril_task_hellaswag, cril_task_mmlu, cril_task_mmlu_math, cril_task_humaneval, cril_task_mbpp,
    cril_task_ds1000, cril_task_gsm8k, cril_task_math, cril_task_sat_math;

#endif
