/*
 * Near-duplicates: how often pairs are found, and what many documents cost.
 *
 *     minhash pairs N                 N pairs by exact similarity: found, and what the theory says
 *     minhash documents N MEMORY_MB   N documents of about 30 words, a fifth of them copies, with a
 *                                     word changed, of what another one is unless it is a copy too;
 *                                     seconds of one processor, peak memory
 */
#include "processor.h"
#include "../tests/shingle_pairs.h"

#include "gather/step.h"

#include <sys/resource.h>

static void check(cril_status st, const cril_error *err)
{
    if (st == CRIL_OK)
        return;
    fprintf(stderr, "minhash: %s\n", err->message);
    exit(1);
}

/* Of pairs found, those at least as alike as the threshold (1/14)^(1/8), here the bins from 0.7. */
static void pairs(size_t n)
{
    struct cril_pair_bin bins[CRIL_PAIR_BINS] = {{0}};
    cril_error err;

    check(cril_pairs_measure(n, bins, &err), &err);
    printf("similarity,pairs,found,recall,theory,precision_from_here\n");
    for (size_t i = 0; i < CRIL_PAIR_BINS; i++) {
        size_t from = 0, all = 0;

        for (size_t k = 0; k < CRIL_PAIR_BINS; k++) {
            from += k >= i ? bins[k].found : 0;
            all += bins[k].found;
        }
        printf("%.1f-%.1f,%zu,%zu,%.4f,%.4f,%.4f\n", (double)i / CRIL_PAIR_BINS,
               (double)(i + 1) / CRIL_PAIR_BINS, bins[i].n, bins[i].found,
               (double)bins[i].found / (double)bins[i].n, bins[i].expected / (double)bins[i].n,
               (double)from / (double)all);
    }
}

/* The i-th document: a function of i alone, so that both passes see the same. */
static size_t document(uint64_t i, char text[CRIL_PAIR_BYTES])
{
    struct cril_random own = cril_random_seed(i);
    const bool copy = i && !cril_random_below(&own, 5);
    struct cril_random g = cril_random_seed(copy ? cril_random_below(&own, (uint32_t)i) : i);
    uint32_t words[CRIL_PAIR_WORDS];
    const size_t n = 20 + cril_random_below(&g, 21);

    for (size_t k = 0; k < n; k++)
        words[k] = cril_random_below(&g, 20000);
    if (copy)
        words[n - 1] = cril_random_below(&own, 20000);
    return cril_pair_text(words, n, text);
}

static void documents(uint64_t n, size_t memory_mb)
{
    const struct cril_step_options o = {.memory_bytes = memory_mb << 20};
    struct cril_step_count count = {0};
    struct cril_step_marks m = {0};
    struct cril_draft d = {0};
    struct cril_step_run run;
    char text[CRIL_PAIR_BYTES];
    double start = cril_bench_processor(), noted, decided;
    struct rusage used;
    uint64_t bytes = 0;
    cril_error err;
    bool keep;

    check(cril_step_create(&cril_step_near_duplicates, &o, &run, &err), &err);
    for (uint64_t i = 0; i < n; i++) {
        cril_draft_set(&d, text, document(i, text));
        bytes += d.len;
        check(cril_step_mark(&run, &d, &m, &err), &err);
        check(cril_step_note(&run, &m, &err), &err);
    }
    noted = cril_bench_processor();
    check(cril_step_decide(&run, &err), &err);
    decided = cril_bench_processor();
    cril_draft_set(&d, "", 0);
    for (uint64_t i = 0; i < n; i++)
        check(cril_step_apply(&run, &d, &count, &keep, &err), &err);
    getrusage(RUSAGE_SELF, &used);
    printf("documents,bytes,dropped,memory_mb,peak_mb,mark_sec,decide_sec\n");
    printf("%llu,%llu,%llu,%zu,%.1f,%.1f,%.1f\n", (unsigned long long)n, (unsigned long long)bytes,
           (unsigned long long)count.by[0], memory_mb, (double)used.ru_maxrss / 1024, noted - start,
           decided - noted);
    cril_step_free(&run);
    cril_draft_free(&d);
    free(m.values);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "pairs")) {
        pairs(strtoull(argv[2], NULL, 10));
    } else if (argc == 4 && !strcmp(argv[1], "documents")) {
        documents(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    } else {
        fprintf(stderr, "usage: minhash pairs N | minhash documents N MEMORY_MB\n");
        return 2;
    }
    return 0;
}
