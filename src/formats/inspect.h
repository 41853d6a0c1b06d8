/* What lies under a cril_inspect, for the layers above. */
#ifndef CRIL_FORMATS_INSPECT_H
#define CRIL_FORMATS_INSPECT_H

#include "formats/source.h"

#include <cril/inspect.h>

struct cril_source *cril_inspect_source(const cril_inspect *f); /* borrowed */

#endif
