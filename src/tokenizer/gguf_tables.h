/* What llama.cpp's converter writes of a folder's tokenizer into a GGUF file. */
#ifndef CRIL_TOKENIZER_GGUF_TABLES_H
#define CRIL_TOKENIZER_GGUF_TABLES_H

#include "tokenizer/spec.h"

/*
 * Adds the keys under "tokenizer.ggml." to *out, which is zero-initialised; the caller releases it,
 * after an error too. spec is the folder's, architecture that of its GGUF file ("llama").
 *
 * *known is false, and what *out holds is then of no use, where cril does not know what the
 * converter would write, or that it would refuse: doc/models.md, "Identity", lists what is known.
 * Like reading the folder's files, one thread at a time. CRIL_ERR_IO, CRIL_ERR_NOMEM.
 */
cril_status cril_gguf_tables(struct cril_source *folder, const struct cril_spec *spec,
                             const char *architecture, struct cril_values *out, bool *known,
                             cril_error *err);

#endif
