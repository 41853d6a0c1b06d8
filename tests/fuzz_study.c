/*
 * libFuzzer entry: any bytes as a study file. No file is looked for. A file is refused with
 * sentences, or it keeps the promises of cril/study.h.
 */
#include "study/file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_text(const char *text)
{
    return text && *text;
}

static void check_models(const cril_study_info *s)
{
    must(s->n_models > 0);
    for (size_t i = 0; i < s->n_models; i++) {
        must(is_text(s->models[i].name) && s->models[i].name[0] != '-' &&
             is_text(s->models[i].family) && s->models[i].line);
        for (size_t j = 0; j < s->models[i].n_tags; j++)
            must(is_text(s->models[i].tags[j]));
        for (size_t j = 0; j < i && i < 50; j++)
            must(strcmp(s->models[i].name, s->models[j].name) != 0);
    }
}

/* No word names two things. */
static void check_names(const cril_study_info *s)
{
    must(s->n_corpora > 0);
    for (size_t i = 0; i < s->n_corpora && i < 50; i++) {
        must(is_text(s->corpora[i].name) && is_text(s->corpora[i].group));
        must(strcmp(s->corpora[i].name, "average") != 0 &&
             strcmp(s->corpora[i].group, "plain") != 0);
        for (size_t j = 0; j < s->n_corpora && j < 50; j++)
            if (i != j)
                must(strcmp(s->corpora[i].name, s->corpora[j].name) != 0 &&
                     strcmp(s->corpora[i].name, s->corpora[j].group) != 0);
    }
    for (size_t i = 0; i < s->n_benchmarks && i < 50; i++) {
        must(is_text(s->benchmarks[i].name) && is_text(s->benchmarks[i].group));
        for (size_t j = 0; j < s->n_corpora; j++)
            must(strcmp(s->benchmarks[i].name, s->corpora[j].name) != 0 &&
                 strcmp(s->benchmarks[i].name, s->corpora[j].group) != 0);
        for (size_t j = 0; j < i; j++)
            must(strcmp(s->benchmarks[i].name, s->benchmarks[j].name) != 0 &&
                 strcmp(s->benchmarks[i].name, s->benchmarks[j].group) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cril_study_faults faults;
    cril_study *study;

    if (cril_study_read("study.yaml", (const char *)data, size, false, &study, &faults) !=
        CRIL_OK) {
        must(faults.n > 0 && faults.n <= CRIL_STUDY_MOST_FAULTS);
        for (size_t i = 0; i < faults.n; i++)
            must(faults.fault[i].status != CRIL_OK &&
                 strncmp(faults.fault[i].message, "study.yaml:", 11) == 0);
        return 0;
    }
    const cril_study_info *s = cril_study_info_of(study);

    must(faults.n == 0 && is_text(s->title) && is_text(s->database) && s->n_protocols > 0);
    check_models(s);
    check_names(s);
    for (size_t i = 0; i < s->n_fits; i++)
        must(is_text(s->fits[i].name) && cril_study_check_fit(s, &s->fits[i], NULL) == CRIL_OK);
    cril_study_close(study);
    return 0;
}
