/*
 * shape MODEL PARAMETERS: opens a model, expects that many parameters, and makes plans for windows
 * of 2048 tokens on 2 threads, without a bound of memory and with the least that will do. Prints
 * what they are. scripts/check_shapes runs it on models that are shapes alone.
 */
#include "model/model.h"
#include "model/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 2, WINDOW = 2048 };

static void stop(const char *sentence)
{
    fprintf(stderr, "shape: %s\n", sentence);
    exit(1);
}

static void show_plan(const cril_model *m, const char *name, size_t memory)
{
    struct cril_plan p;
    cril_error err;
    size_t stages = 0;

    if (cril_plan_make(m, cril_kernels(), THREADS, memory, 0, 0, WINDOW, &p, &err) != CRIL_OK)
        stop(err.message);
    for (size_t kind = 0; kind < CRIL_MAX_KINDS; kind++)
        stages = p.stages[kind].n > stages ? p.stages[kind].n : stages;
    printf("  %s: %zu rows, %zu stages, %zu MB of panels\n", name, p.rows, stages,
           p.panel_bytes >> 20);
}

/* Megabytes of the smallest plan, by the sentence that refuses less. */
static size_t least_memory(const cril_model *m)
{
    struct cril_plan p;
    cril_error err;
    size_t mb = 0;
    const char *at;

    if (cril_plan_make(m, cril_kernels(), THREADS, 1, 0, 0, WINDOW, &p, &err) == CRIL_OK)
        stop("a plan in one byte");
    if (!(at = strstr(err.message, "give ")) || sscanf(at, "give %zu MB", &mb) != 1)
        stop(err.message);
    return mb;
}

int main(int argc, char **argv)
{
    cril_model *m;
    cril_error err;

    if (argc != 3)
        stop("usage: shape MODEL PARAMETERS");
    if (cril_model_open(argv[1], &m, &err) != CRIL_OK)
        stop(err.message);
    if (cril_model_parameters(m) != strtoull(argv[2], NULL, 10)) {
        fprintf(stderr, "shape: %s: %" PRIu64 " parameters, not %s\n", argv[1],
                cril_model_parameters(m), argv[2]);
        return 1;
    }
    printf("%s: %s, %s parameters\n", argv[1], m->family->architecture, argv[2]);
    show_plan(m, "no bound", 0);
    const size_t mb = least_memory(m);
    char name[40];
    snprintf(name, sizeof(name), "%zu MB", mb);
    show_plan(m, name, mb << 20);
    cril_model_close(m);
    return 0;
}
