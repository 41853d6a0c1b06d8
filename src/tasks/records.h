/* The records of a task's items, whatever its prompts. */
#ifndef CRIL_TASKS_RECORDS_H
#define CRIL_TASKS_RECORDS_H

#include "tasks/task.h"

/* Items of the data below `data` without their shots, where the task can do so: files of shots need
 * not be there. limit 0: all, of each subject. Errors of cril_task_folder and of the task's load.
 */
cril_status cril_task_records(const struct cril_task *t, const char *data, uint64_t limit,
                              struct cril_items *out, cril_error *err);

#endif
