/* A row of scores for each document, as CSV (doc/leak.md, "CSV"). */
#include "leaking.h"

#include <cril/number.h>
#include <errno.h>
#include <inttypes.h>

static void write_header(FILE *f)
{
    fputs("corpus,control,document,line,date,tokens", f);
    for (size_t i = 0; i < CRIL_MEMBERSHIP_SCORES; i++) {
        unsigned k;
        const char *name = cril_membership_score_name(i, &k);

        fprintf(f, ",%s", name);
        if (k)
            fprintf(f, "_%u", k);
    }
    putc('\n', f);
}

/* A score that a document lacks is an empty cell. */
static void write_row(FILE *f, const cril_membership_document *d)
{
    char number[CRIL_NUMBER_SIZE];

    fprintf(f, ",%" PRIu64 ",%" PRIu64 ",%s,%" PRIu64, d->index, d->line, d->date, d->tokens);
    for (size_t i = 0; i < CRIL_MEMBERSHIP_SCORES; i++)
        fprintf(f, ",%s", d->has[i] ? cril_number_write(number, d->scores[i], 17) : "");
    putc('\n', f);
}

void cril_leak_write_documents(struct cril_output *out, const struct cril_leak_found *x)
{
    FILE *f = out->file;
    cril_membership_corpus c;

    errno = 0;
    write_header(f);
    for (size_t i = 0; cril_membership_corpus_at(x->membership, i, &c); i++)
        for (size_t d = 0; d < c.n; d++) {
            cril_print_csv(f, x->run->corpora[i], false);
            fprintf(f, ",%d", c.is_control);
            write_row(f, &c.documents[d]);
        }
    if (ferror(f))
        cril_output_failed(out, errno);
}
