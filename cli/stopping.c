#include "stopping.h"

#include "output.h"

#include <cril/number.h>
#include <inttypes.h>
#include <string.h>

bool cril_stopping_read(const char *text, double *share)
{
    const size_t len = strlen(text);
    char number[CRIL_NUMBER_SIZE];
    double percent;

    if (len < 2 || len > sizeof(number) || text[len - 1] != '%')
        return false;
    memcpy(number, text, len - 1);
    number[len - 1] = '\0';
    if (!cril_number_read(number, &percent) || !(percent > 0 && percent <= 50))
        return false;
    *share = percent / 100;
    return *share > 0;
}

void cril_stopping_print(FILE *f, const cril_result *results, size_t n)
{
    char percent[CRIL_NUMBER_SIZE];
    const cril_stopping *rule = n ? &results[0].until : NULL;

    if (!rule || !rule->share)
        return;
    cril_number_write(percent, 100 * rule->share, 6);
    fprintf(f,
            "\nA stopping rule has chosen the documents: drawn by seed %" PRIu64
            ", at least %" PRIu64 ", until half of\nthe interval's width is below %s %% of BPC.\n",
            rule->seed, rule->min_documents, percent);
    for (size_t i = 0; i < n; i++) {
        const cril_result *x = &results[i];

        cril_print_escaped(f, x->corpus_path, strlen(x->corpus_path));
        fprintf(f, ": %zu of %" PRIu64 " documents%s\n", x->until.n_order, x->until.of,
                x->until.reached ? "" : ", the rule was not met");
    }
}
