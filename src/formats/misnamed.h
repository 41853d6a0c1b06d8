/* Names that people give instead of a model's file or folder, and what helps. */
#ifndef CRIL_FORMATS_MISNAMED_H
#define CRIL_FORMATS_MISNAMED_H

#include <cril/status.h>

/*
 * Whether path leads nowhere because it is an address or the id of a model on the Hugging Face hub:
 * CRIL_ERR_IO then, with what to do. CRIL_OK: it is neither.
 */
cril_status cril_misnamed(const char *path, cril_error *err);

#endif
