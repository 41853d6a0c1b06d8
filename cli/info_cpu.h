/* cril info --cpu. */
#ifndef CRIL_CLI_INFO_CPU_H
#define CRIL_CLI_INFO_CPU_H

#include <stdbool.h>

/* Prints the kernel sets of this build, those of this CPU, the chosen one and why, and the cores.
 * The exit code. */
int cril_info_cpu(bool json);

#endif
