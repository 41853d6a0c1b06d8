/* The table of tasks, in the order in which they are listed. */
#include "tasks/table.h"

#include <string.h>

const struct cril_task *cril_task_at(size_t i)
{
    static const struct cril_task *const tasks[] = {
        &cril_task_nq_open, &cril_task_triviaqa,  &cril_task_arc_challenge, &cril_task_hellaswag,
        &cril_task_mmlu,    &cril_task_humaneval, &cril_task_mbpp,          &cril_task_ds1000,
        &cril_task_gsm8k,   &cril_task_math,      &cril_task_sat_math,      &cril_task_mmlu_math,
    };

    return i < sizeof(tasks) / sizeof(tasks[0]) ? tasks[i] : NULL;
}

const struct cril_task *cril_task_find(const char *name)
{
    const struct cril_task *t;

    for (size_t i = 0; (t = cril_task_at(i)); i++)
        if (strcmp(t->name, name) == 0)
            break;
    return t;
}
