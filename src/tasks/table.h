/* The tasks of task_*.c, and what their protocols share. tasks.c lists them. */
#ifndef CRIL_TASKS_TABLE_H
#define CRIL_TASKS_TABLE_H

#include "tasks/task.h"

extern const struct cril_task cril_task_nq_open, cril_task_triviaqa, cril_task_arc_challenge,
    cril_task_hellaswag, cril_task_mmlu, cril_task_mmlu_math, cril_task_humaneval, cril_task_mbpp,
    cril_task_ds1000, cril_task_gsm8k, cril_task_math, cril_task_sat_math;

/* Of a protocol that scores choices as continuations, by acc_norm. */
#define CRIL_TASK_ACC_NORM                                                                         \
    .version = 1, .metric = "acc_norm", .metric_shown = "acc_norm",                                \
    .answer_rule = "largest sum of log p of \" \" + choice, by characters of the choice",          \
    .max_shots = SIZE_MAX

#endif
