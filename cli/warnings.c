#include "warnings.h"

#include "output.h"

void cril_print_warnings(const cril_model *m)
{
    for (size_t i = 0; cril_model_warning(m, i); i++)
        cril_print_note("warning: %s", cril_model_warning(m, i));
}

void cril_print_context_warning(const cril_model *m, size_t context)
{
    char sentence[1200];

    if (cril_model_warn_context(m, context, sentence, sizeof(sentence)))
        cril_print_note("warning: %s", sentence);
}

void cril_print_tokenizer_warnings(const cril_tokenizer *t)
{
    for (size_t i = 0; cril_tokenizer_warning(t, i); i++)
        cril_print_note("warning: %s", cril_tokenizer_warning(t, i));
}
