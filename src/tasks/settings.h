/* Which protocol settings began as, whatever was overridden. */
#ifndef CRIL_TASKS_SETTINGS_H
#define CRIL_TASKS_SETTINGS_H

#include "tasks/task.h"

#include <string.h>

/* Bytes of the protocol's name, before the first override. */
static inline size_t cril_settings_base_len(const struct cril_task_settings *s)
{
    return strcspn(s->name, ",");
}

static inline bool cril_settings_are(const struct cril_task_settings *s, const char *protocol)
{
    return cril_settings_base_len(s) == strlen(protocol) &&
           strncmp(s->name, protocol, strlen(protocol)) == 0;
}

#endif
