/* Where the hub and its cache are, by the environment. */
#ifndef CRIL_FETCH_PLACE_H
#define CRIL_FETCH_PLACE_H

#include <cril/status.h>
#include <stdbool.h>

enum { CRIL_HUB_ENDPOINT = 512, CRIL_HUB_FOLDER = 2048, CRIL_HUB_TOKEN = 1024 };

struct cril_hub_place {
    char cache[CRIL_HUB_FOLDER];
    char endpoint[CRIL_HUB_ENDPOINT]; /* "https://huggingface.co", no slash behind */
    bool is_offline;
    unsigned stall_sec; /* a request that brings nothing for so long has failed */
};

/* CRIL_ERR_RANGE: a variable cannot be used. */
cril_status cril_hub_place_read(struct cril_hub_place *out, cril_error *err);
cril_status cril_hub_endpoint(char out[CRIL_HUB_ENDPOINT], cril_error *err);
cril_status cril_hub_token(char out[CRIL_HUB_TOKEN], cril_error *err); /* "": there is none */

#endif
