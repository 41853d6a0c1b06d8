/*
 * What the readers of the formats share. Each fills the header, the trailer and the index of a
 * container of which data, size and name are set, and magic and version known.
 */
#ifndef CRIL_CODEC_FORMAT_H
#define CRIL_CODEC_FORMAT_H

#include "codec/container.h"

/* As cril_container_parse; what it has allocated on errors is in c. */
cril_status cril_format1_parse(struct cril_container *c, cril_error *err);
cril_status cril_format2_parse(struct cril_container *c, cril_error *err);

/* Arrays for n segments, of which the first begins at offset. CRIL_ERR_NOMEM. */
cril_status cril_container_reserve(struct cril_container *c, size_t n, uint64_t offset,
                                   cril_error *err);
/* Entry i, those before it added already, of a file whose segments end at `end`. CRIL_ERR_FORMAT:
   its lengths contradict each other, or it does not end there. */
cril_status cril_container_add(struct cril_container *c, size_t i,
                               const struct cril_archive_entry *e, uint64_t end, cril_error *err);
/* Values of the header that both formats have. CRIL_ERR_FORMAT. */
cril_status cril_container_check_header(const struct cril_container *c, cril_error *err);

cril_status cril_fail_header(const struct cril_container *c, const char *field, uint64_t found,
                             cril_error *err);
cril_status cril_fail_index(const struct cril_container *c, const char *why, cril_error *err);

#endif
