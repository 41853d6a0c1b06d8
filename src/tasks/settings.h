/* Which protocol settings began as, whatever was overridden, and what their hash is made of. */
#ifndef CRIL_TASKS_SETTINGS_H
#define CRIL_TASKS_SETTINGS_H

#include "tasks/str.h"
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

/* Appends a line of the text that settings are hashed by. The value's length stands before it, so
 * that no two settings write the same. NULL: appends nothing. */
void cril_settings_write(struct cril_str *t, const char *key, const char *value);

#endif
