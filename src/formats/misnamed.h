/* Names that people give instead of a GGUF file's, and what helps. */
#ifndef CRIL_FORMATS_MISNAMED_H
#define CRIL_FORMATS_MISNAMED_H

#include <cril/status.h>

/*
 * Whether path cannot be a GGUF file because it is an address, a folder of Hugging Face's
 * transformers, or, where there is no such file, the id of a model on the hub: CRIL_ERR_IO then,
 * with what to do. CRIL_OK: it is none of these.
 */
cril_status cril_misnamed(const char *path, cril_error *err);

#endif
