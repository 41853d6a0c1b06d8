/* What a model's file leaves open, on standard error. */
#ifndef CRIL_CLI_WARNINGS_H
#define CRIL_CLI_WARNINGS_H

#include <cril/model.h>

void cril_print_warnings(const cril_model *m);
void cril_print_tokenizer_warnings(const cril_tokenizer *t);

#endif
