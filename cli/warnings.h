/* What a model's file leaves open, and what is asked of it beyond its context, on standard error.
 */
#ifndef CRIL_CLI_WARNINGS_H
#define CRIL_CLI_WARNINGS_H

#include <cril/model.h>

void cril_print_warnings(const cril_model *m);
/* Where windows of `context` tokens are beyond the model's. */
void cril_print_context_warning(const cril_model *m, size_t context);
void cril_print_tokenizer_warnings(const cril_tokenizer *t);

#endif
