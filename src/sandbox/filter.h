/* Which calls of the system a program in the box may make: a seccomp filter. */
#ifndef CRIL_SANDBOX_FILTER_H
#define CRIL_SANDBOX_FILTER_H

#include <cril/status.h>

/* *fd: a file in memory with the filter as bubblewrap's --seccomp takes it; the caller closes it.
 * CRIL_ERR_UNSUPPORTED: of this processor's calls no list is known. */
cril_status cril_filter_open(int *fd, cril_error *err);

#endif
