/* Folders that cril does not read, refused by name and with what helps. */
#ifndef CRIL_FORMATS_HF_REFUSE_H
#define CRIL_FORMATS_HF_REFUSE_H

#include "formats/reader.h"
#include "util/json.h"

/* CRIL_ERR_UNSUPPORTED: the folder holds an adapter. */
cril_status cril_hf_check_files(struct cril_source *s, cril_error *err);
/* CRIL_ERR_UNSUPPORTED: the model is quantised, as its config.json says. */
cril_status cril_hf_check_config(struct cril_source *s, const json_t *config, cril_error *err);

/* Why there is no config.json, and why there are no weights: never CRIL_OK. */
cril_status cril_hf_refuse_folder(struct cril_source *s, cril_error *err);
cril_status cril_hf_refuse_weights(struct cril_source *s, cril_error *err);

#endif
