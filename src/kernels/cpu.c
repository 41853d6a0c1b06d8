/* The choice among the kernel sets: the last that this CPU has, of those up to the one that
 * CRIL_CPU names. */
#include <cril/cpu.h>

#include "kernels/kernels.h"
#include "util/fail.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cril_kernels table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What CRIL_CPU says; NULL: nothing. */
static const char *wanted(void)
{
    const char *name = getenv("CRIL_CPU");

    return name && *name ? name : NULL;
}

const struct cril_kernel_set *cril_kernel_set_find(const char *name)
{
    size_t n;
    const struct cril_kernel_set *sets = cril_kernel_sets(&n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(sets[i].name, name) == 0)
            return &sets[i];
    return NULL;
}

/* How many sets there are to consider. */
static size_t count_allowed(void)
{
    size_t n;
    const struct cril_kernel_set *sets = cril_kernel_sets(&n);
    const struct cril_kernel_set *last = wanted() ? cril_kernel_set_find(wanted()) : NULL;

    return last ? (size_t)(last - sets) + 1 : n;
}

static void choose(void)
{
    size_t n;
    const struct cril_kernel_set *sets = cril_kernel_sets(&n),
                                 *best = sets; /* any CPU has the first */

    for (size_t i = 1; i < count_allowed(); i++)
        if (sets[i].available())
            best = &sets[i];
    best->init(&table);
}

const struct cril_kernels *cril_kernels(void)
{
    pthread_once(&once, choose);
    return &table;
}

const char *cril_cpu_kernels(void)
{
    return cril_kernels()->name;
}

bool cril_kernel_info_at(size_t i, cril_kernel_info *out)
{
    size_t n;
    const struct cril_kernel_set *sets = cril_kernel_sets(&n);

    if (i >= n || !out)
        return false;
    *out = (cril_kernel_info){.name = sets[i].name,
                              .needs = sets[i].needs,
                              .available = sets[i].available(),
                              .allowed = i < count_allowed()};
    return true;
}

/* The sets there are, or only those of this CPU: "ref, avx2". */
static const char *list_names(bool of_this_cpu, char *out, size_t size)
{
    size_t n, at = 0;
    const struct cril_kernel_set *sets = cril_kernel_sets(&n);

    for (size_t i = 0; i < n && at < size; i++)
        if (!of_this_cpu || sets[i].available())
            at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "", sets[i].name);
    return out;
}

cril_status cril_cpu_check(cril_error *err)
{
    const char *name = wanted();
    const struct cril_kernel_set *set = name ? cril_kernel_set_find(name) : NULL;
    char names[256];

    if (name && !set)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "CRIL_CPU=%.40s names no kernel set of this build, which has %s", name,
                         list_names(false, names, sizeof(names)));
    if (set && !set->available())
        return cril_fail(
            err, CRIL_ERR_UNSUPPORTED,
            "CRIL_CPU=%s asks for kernels that need %s, which this CPU lacks; it can run %s", name,
            set->needs, list_names(true, names, sizeof(names)));
    return CRIL_OK;
}
