/*
 * A hub of one's own on loopback, for tests: two ports, the hub and the store that it redirects
 * large files to. Threads answer; what was asked is logged.
 */
#ifndef HUB_SERVER_H
#define HUB_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct hub_file {
    const char *path; /* borrowed, as is data */
    const char *data; /* [size] */
    size_t size;
    bool large;    /* has a SHA-256 and lies in the store */
    char hash[65]; /* filled in by hub_server_start */
};

/* Answers requests that begin with `request`, such as "GET /api/", instead of the hub. */
struct hub_rule {
    const char *request;
    int times; /* how often yet; -1: always */
    int status;
    const char *headers; /* lines that end with \r\n; "": none */
    const char *body;
};

enum { HUB_FILES = 16, HUB_RULES = 8, HUB_LOG = 1 << 20 };

struct hub_server {
    /* Set before the start; the others may change while no request is under way. */
    const char *repository; /* "owner/name" */
    struct hub_file files[HUB_FILES];
    size_t n_files;

    struct hub_rule rules[HUB_RULES];
    const char *listing;    /* in place of the list of files; NULL: that of files */
    const char *old_name;   /* a repository that redirects to this one; NULL: none */
    const char *store_host; /* NULL: "127.0.0.1" */
    const char *corrupt;    /* path of a file that has a wrong byte; NULL: none */
    bool ignores_range;     /* answers 200 with the whole */
    bool in_xet;            /* says so */
    size_t cut_after;       /* a body ends after so many bytes; 0: whole */
    bool stalls;            /* there it does not end, but hangs until the client gives up */
    size_t bytes_per_ms;    /* 0: as fast as it goes */

    char commit[41];
    char endpoint[64];    /* "http://127.0.0.1:PORT" */
    char log[HUB_LOG];    /* a line a request: "hub GET /path[ auth][ range=N]" */
    const char *log_file; /* the same into a file; NULL: none */
    void *internals;
};

void hub_server_add(struct hub_server *s, const char *path, const char *data, size_t size,
                    bool large);
bool hub_server_start(struct hub_server *s);
/* Waits until no request is under way; what was changed before, requests of other processes see. */
void hub_server_rest(struct hub_server *s);
void hub_server_stop(struct hub_server *s);
/* Requests in the log that hold a text; hub_server_forget empties the log. */
size_t hub_server_count(struct hub_server *s, const char *text);
void hub_server_forget(struct hub_server *s);

#endif
