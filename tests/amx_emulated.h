/* The kernel set "amx" for a CPU with AVX-512 and no tiles: tile instructions are functions in
 * plain C. */
#ifndef CRIL_TESTS_AMX_EMULATED_H
#define CRIL_TESTS_AMX_EMULATED_H

#include "kernels/kernels.h"

void cril_kernels_amx_emulated(struct cril_kernels *k);

#endif
