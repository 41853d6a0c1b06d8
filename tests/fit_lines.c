/*
 * Fits many sets of points for scripts/compare_fit.py: cases on standard input and groups of
 * numbers on standard output, both as tests/fit_values.h has them; an empty line ends a case.
 * Build: cc -O2 -D_POSIX_C_SOURCE=200809L -Iinclude tests/fit_lines.c build/libcril.a -lm -o
 * fit_lines
 */
#include "fit_values.h"

static struct fit_case c;
static struct fit_groups groups;

int main(void)
{
    cril_error err = {0};

    while (fit_case_read(stdin, &c)) {
        if (fit_compute(&c, &groups, &err) != CRIL_OK) {
            fprintf(stderr, "fit_lines: %s: %s\n", c.name, err.message);
            return 1;
        }
        printf("%s\n", c.name);
        for (size_t i = 0; i < groups.n; i++) {
            printf("%s", groups.g[i].name);
            for (size_t k = 0; k < groups.g[i].n; k++)
                printf(" %.17g", groups.g[i].v[k]);
            putchar('\n');
        }
        putchar('\n');
    }
    return !feof(stdin);
}
