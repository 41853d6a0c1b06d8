/*
 * serve_hub PORT_FILE LOG_FILE REPOSITORY [OPTION...] NAME=FILE...: a hub on loopback that serves
 * files as those of a repository, until it is killed. PORT_FILE gets its address once it answers.
 * Names of
 * *.gguf and *.safetensors are large files.
 *
 * Options: slow=BYTES_PER_MS, corrupt=NAME, limit=TIMES (that many answers 429 come first),
 * status=CODE:ERROR_CODE (all answers).
 */
#include "hub_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct hub_server server;

static char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *data;

    if (!f || fseek(f, 0, SEEK_END) != 0) {
        fprintf(stderr, "serve_hub: %s cannot be read\n", path);
        exit(1);
    }
    *size = (size_t)ftell(f);
    rewind(f);
    data = malloc(*size + 1);
    if (!data || fread(data, 1, *size, f) != *size)
        exit(1);
    fclose(f);
    return data;
}

/* What follows "name=". NULL: it is another one. */
static const char *option(const char *text, const char *name)
{
    const size_t n = strlen(name);

    return strncmp(text, name, n) == 0 && text[n] == '=' ? text + n + 1 : NULL;
}

static void take(char *arg)
{
    static char headers[256];
    const char *value;
    char *equals = strchr(arg, '=');
    size_t size;

    if ((value = option(arg, "slow")) != NULL) {
        server.bytes_per_ms = strtoul(value, NULL, 10);
    } else if ((value = option(arg, "corrupt")) != NULL) {
        server.corrupt = value;
    } else if ((value = option(arg, "limit")) != NULL) {
        server.rules[0] = (struct hub_rule){"GET ", atoi(value), 429, "Retry-After: 1\r\n", ""};
    } else if ((value = option(arg, "status")) != NULL) {
        snprintf(headers, sizeof(headers), "X-Error-Code: %s\r\n", strchr(value, ':') + 1);
        server.rules[1] = (struct hub_rule){"", -1, atoi(value), headers, ""};
    } else if (equals && server.n_files < HUB_FILES) {
        char *data = read_file(equals + 1, &size);

        *equals = '\0';
        hub_server_add(&server, arg, data, size,
                       strstr(arg, ".gguf") || strstr(arg, ".safetensors"));
    }
}

int main(int argc, char **argv)
{
    char temp[1024];
    FILE *f;

    if (argc < 4)
        return 2;
    server.log_file = argv[2];
    server.repository = argv[3];
    for (int i = 4; i < argc; i++)
        take(argv[i]);
    snprintf(temp, sizeof(temp), "%s.new", argv[1]);
    if (!hub_server_start(&server) || !(f = fopen(temp, "w")) ||
        fprintf(f, "%s\n", server.endpoint) < 0 || fclose(f) != 0 || rename(temp, argv[1]) != 0)
        return 1;
    for (;;)
        pause();
}
