/* One name for a database, whatever name it is opened by. */
#ifndef CRIL_STUDY_PLACE_H
#define CRIL_STUDY_PLACE_H

#include <cril/status.h>

/*
 * The absolute path of the file that path names or would make, without symbolic links and "..": of
 * a file with several names in its folder the first in bytewise order. *out is owned: free.
 * CRIL_ERR_UNSUPPORTED: it has names in several folders. CRIL_ERR_IO, CRIL_ERR_NOMEM.
 */
cril_status cril_place_find(const char *path, char **out, cril_error *err);

#endif
