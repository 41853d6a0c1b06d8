/* What lies under a cril_inspect, for the layers above. */
#ifndef CRIL_FORMATS_INSPECT_H
#define CRIL_FORMATS_INSPECT_H

#include "formats/gguf.h"

#include <cril/inspect.h>

cril_gguf *cril_inspect_gguf(const cril_inspect *f); /* borrowed */

#endif
