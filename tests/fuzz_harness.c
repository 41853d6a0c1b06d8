/* libFuzzer entry: any bytes as a results file of lm-evaluation-harness. What is taken may be put
 * into a store. */
#include "study/file.h"
#include "study/harness.h"
#include "study/query.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static cril_study *make_study(void)
{
    static const char text[] =
        "models: [{name: m}]\ncorpora: [{name: cc}]\nbenchmarks:\n"
        "  - {name: A, task: mmlu, metric: acc}\n"
        "  - {name: B, task: gsm8k, metric: exact_match, filter: strict-match}\n";
    cril_study_faults faults;
    cril_study *s;

    if (cril_study_read("s", text, strlen(text), false, &s, &faults) != CRIL_OK)
        abort();
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cril_harness_text t = {"f", (const char *)data, size};
    static cril_study *s;
    cril_harness h;
    cril_error err;

    if (!s)
        s = make_study();
    if (cril_harness_parse(&t, 1, cril_study_info_of(s), "m", &h, &err) != CRIL_OK)
        return 0;
    for (size_t i = 0; i < h.n; i++)
        if (!(h.rows[i].value >= 0 && h.rows[i].value <= 1) ||
            !cril_is_name(h.rows[i].source, 1, CRIL_MAX_NAME))
            abort();
    cril_harness_free(&h);
    return 0;
}
