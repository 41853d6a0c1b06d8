/* Words of a shell script. */
#ifndef CRIL_CLI_SHELL_H
#define CRIL_CLI_SHELL_H

#include <stdio.h>

/* A text as one word of a POSIX shell, whatever bytes it has: in single quotes, its own ones as
 * '\''. */
void cril_print_shell(FILE *f, const char *text);

/* A path that means the same in every folder, through the same links; owned by the caller. NULL:
 * the reason was printed. */
char *cril_absolute_path(const char *path);
/* The path of the program that runs, owned by the caller; "cril" where the system does not say.
 * NULL: out of memory, which was printed. */
char *cril_own_path(void);

#endif
