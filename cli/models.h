/* Models on a command line where there may be many: patterns, names on the hub. */
#ifndef CRIL_CLI_MODELS_H
#define CRIL_CLI_MODELS_H

#include "args.h"

/*
 * What -m names, in the order given: a pattern (*, ?, [) that is no file's name stands for the
 * paths that match it, sorted; a name on the hub becomes a path (hub.h). All are noted as read. The
 * list has the paths afterwards, which live as long as the command. Returns CRIL_ARGS_GO_ON, or the
 * exit code: the reason was printed.
 */
int cril_models_locate(struct cril_args_list *models, bool fetch, bool quiet);

#endif
