/* Models that are named on the hub: where -m finds them, and fetching with all that is said of it.
 */
#ifndef CRIL_CLI_HUB_H
#define CRIL_CLI_HUB_H

#include "args.h"

#include <cril/hub.h>
#include <stdbool.h>

/* A row of each table that has a model; at is .offset = ... of the bool. */
/* clang-format off */
#define CRIL_FETCH_ROW(at) \
    { .name = "fetch", .kind = CRIL_OPTION_FLAG, at, \
      .help = "fetch a model that is named on the hub, as hf:owner/name ('cril pull --help')" }
/* clang-format on */

/*
 * Once the command line was checked, and before the model is noted or opened: a name on the hub
 * becomes the path of the model in the cache, which lives as long as the command; fetched first if
 * `fetch`. Another model, or NULL, stays. Returns CRIL_ARGS_GO_ON, or the exit code: the reason was
 * printed.
 */
int cril_locate_model(const char **model, bool fetch, bool quiet);

/* A model that was fetched, or was there. */
struct cril_fetched {
    cril_hub_model model; /* owned: cril_hub_model_free */
    uint64_t n_files, bytes, fetched_bytes;
    double seconds;
};

/* With the size before and progress on standard error, unless quiet. parallel: files at a time, 0:
 * chosen. Returns an exit code: the reason was printed; out is then empty. */
int cril_fetch(const char *name, unsigned parallel, bool quiet, struct cril_fetched *out);

#endif
