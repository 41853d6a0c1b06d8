/* Files without a name. */
#ifndef CRIL_GATHER_TEMPORARY_H
#define CRIL_GATHER_TEMPORARY_H

/* A file in the folder, for reading and writing; its descriptor, or -1 and errno. */
int cril_temporary_file(const char *folder);
/* The folder, or what NULL stands for: TMPDIR, or /tmp. */
const char *cril_temporary_folder(const char *folder);

#endif
