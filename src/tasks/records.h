/* The records of a task's items, whatever its prompts. */
#ifndef CRIL_TASKS_RECORDS_H
#define CRIL_TASKS_RECORDS_H

#include "tasks/task.h"

/* Items of the data below `data` without their shots, where the task can do so: files of shots need
 * not be there. sha256: of the files of the data; NULL: not wanted. Errors of
 * cril_task_folder, of the task's load, and of cril_task_sha256, upon which out may hold items.
 */
cril_status cril_task_records(const struct cril_task *t, const char *data, char sha256[65],
                              struct cril_items *out, cril_error *err);

#endif
