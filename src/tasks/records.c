#include "tasks/records.h"

#include <stdlib.h>

cril_status cril_task_records(const struct cril_task *t, const char *data, char sha256[65],
                              struct cril_items *out, cril_error *err)
{
    static const struct cril_task_overrides none = {-1, -1, -1, -1}, no_shots = {0, -1, -1, -1};
    struct cril_task_settings settings;
    char *folder = NULL;
    cril_status st = CRIL_OK;

    if (cril_task_settings_make(t, NULL, &no_shots, &settings, NULL) != CRIL_OK)
        st = cril_task_settings_make(t, NULL, &none, &settings, err);
    if (st == CRIL_OK)
        st = cril_task_folder(t, data, &folder, err);
    if (st == CRIL_OK)
        st = t->load(t, &settings, folder, 0, out, err);
    if (st == CRIL_OK && sha256)
        st = cril_task_sha256(t, &settings, folder, sha256, err);
    free(folder);
    return st;
}
