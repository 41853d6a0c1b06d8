/* What is said where a mapped file cannot be read any more, in place of "Bus error". */
#ifndef CRIL_CLI_BUS_H
#define CRIL_CLI_BUS_H

/* From here on such an error ends the process with a sentence and exit code 1. */
void cril_bus_catch(void);

#endif
