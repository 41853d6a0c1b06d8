/* What names of the hub may look like, wherever they come from: users, servers, folders. */
#ifndef CRIL_FETCH_NAMES_H
#define CRIL_FETCH_NAMES_H

#include <cril/hub.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether a path joined to a folder stays in that folder and is a harmless name: relative, UTF-8,
 * no empty part, no "." or "..", no control characters, at most 1023 bytes, 255 a part. */
bool cril_hub_path_is_safe(const char *path);

/* Lower-case hex digits, as many as said: a commit or git's name of a file (40), a SHA-256 (64). */
bool cril_hub_is_hex(const char *text, size_t digits);

/* "model" and 2, 3 of "model-00002-of-00003.gguf". False: the name of no part of a split model. */
struct cril_hub_part {
    size_t stem_len;
    unsigned number, count;
};
bool cril_hub_part_of(const char *path, struct cril_hub_part *out);

bool cril_hub_is_gguf(const char *path); /* by its name */

/* Of a repository's folder, a file that a reader of models opens, weights aside. */
bool cril_hub_is_description(const char *path);
/* Its weights: model.safetensors, or a shard such as model-00001-of-00002.safetensors, whatever the
 * number of digits. *count is set for a shard only. */
bool cril_hub_is_weights(const char *path);
bool cril_hub_shard_of(const char *path, unsigned *count); /* of how many, if it is a shard */

/* "hf:owner/name@revision/FILE", the revision left out where it is main. */
enum { CRIL_HUB_SPOKEN = sizeof(cril_hub_name) + 8 };
const char *cril_hub_spoken(const cril_hub_name *name, char out[CRIL_HUB_SPOKEN]);

#endif
