#include "info_cpu.h"

#include "output.h"

#include <cril/cpu.h>
#include <stdio.h>

/* Whether CRIL_CPU leaves a set out that this CPU has. */
static bool is_narrowed(void)
{
    cril_kernel_info k;

    for (size_t i = 0; cril_kernel_info_at(i, &k); i++)
        if (k.available && !k.allowed)
            return true;
    return false;
}

static const char *reason(void)
{
    return is_narrowed() ? "CRIL_CPU leaves faster ones out" : "the fastest that this CPU has";
}

static void print_text(void)
{
    cril_kernel_info k;

    printf("%-14s%s: %s\n", "kernels", cril_cpu_kernels(), reason());
    printf("%-14s%u\n\n", "cores", cril_cpu_count());
    printf("%-14s%-14s%s\n", "kernel set", "on this CPU", "needs");
    for (size_t i = 0; cril_kernel_info_at(i, &k); i++)
        printf("%-14s%-14s%s\n", k.name,
               !k.available ? "no"
               : k.allowed  ? "yes"
                            : "left out",
               k.needs);
}

/* NULL: out of memory. */
static json_t *sets_json(void)
{
    json_t *list = json_array();
    cril_kernel_info k;

    for (size_t i = 0; list && cril_kernel_info_at(i, &k); i++) {
        json_t *row = json_pack("{s:s, s:s, s:b, s:b}", "name", k.name, "needs", k.needs,
                                "available", k.available, "allowed", k.allowed);

        if (json_array_append_new(list, row) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

int cril_info_cpu(bool json)
{
    if (!json) {
        print_text();
        return 0;
    }
    return cril_print_json(json_pack("{s:s, s:s, s:I, s:o}", "kernels", cril_cpu_kernels(),
                                     "reason", reason(), "cores", (json_int_t)cril_cpu_count(),
                                     "kernel_sets", sets_json()),
                           JSON_INDENT(1));
}
