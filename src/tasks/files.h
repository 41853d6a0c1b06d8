/* Which of a task's files are read, and where they lie. */
#ifndef CRIL_TASKS_FILES_H
#define CRIL_TASKS_FILES_H

#include "tasks/task.h"

/*
 * The file of a role below folder: the first of the task's table that the protocol reads and that
 * is there. subject stands for SUBJECT in names; NULL: there is none. *path is owned by the caller.
 *
 * CRIL_ERR_IO: there is none; the sentence says which files would do and where they are published.
 */
cril_status cril_task_path(const struct cril_task *t, const struct cril_task_settings *s,
                           const char *folder, const char *role, const char *subject, char **path,
                           cril_error *err);

#endif
