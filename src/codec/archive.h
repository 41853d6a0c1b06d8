/* An open archive from the inside: the container, for what decodes it. */
#ifndef CRIL_CODEC_ARCHIVE_H
#define CRIL_CODEC_ARCHIVE_H

#include "codec/container.h"
#include "util/mapfile.h"

#include <cril/codec.h>

struct cril_archive {
    struct cril_mapfile file; /* empty where the bytes are the caller's */
    char *path;               /* as given to open, owned; NULL where the name is the caller's */
    struct cril_container container;
    cril_archive_info info;
};

#endif
