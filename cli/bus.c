/*
 * Models and archives are mapped. Where a file is cut short meanwhile, or its disk fails, reading a
 * page of it raises SIGBUS: the command names the file, removes unfinished outputs, and ends
 * with 1.
 *
 * The file is the one whose mapping holds the address (proc(5), /proc/self/maps: "FROM-TO MODE
 * OFFSET DEVICE INODE    PATH"); without /proc there is no name. It uses async-signal-safe calls
 * only.
 */
#include "bus.h"

#include "output.h"

#include <cril/text.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* A file read in pieces, without a lock or an allocation. */
struct reader {
    int fd;
    ssize_t n, at;
    char piece[1024];
};

static int next(struct reader *r)
{
    if (r->at == r->n) {
        r->at = 0;
        r->n = read(r->fd, r->piece, sizeof(r->piece));
        if (r->n <= 0) {
            r->n = 0;
            return -1;
        }
    }
    return (unsigned char)r->piece[r->at++];
}

/* A hexadecimal number and the character behind it. */
static uintptr_t read_address(struct reader *r, int *behind)
{
    uintptr_t v = 0;

    while ((*behind = next(r)) >= 0) {
        const int c = *behind;

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            break;
        v = 16 * v + (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return v;
}

/* The path of the mapping that holds the address, cut to size bytes; false: there is none. */
static bool find_mapping(uintptr_t address, char *path, size_t size)
{
    struct reader r = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    bool found = false;
    int c = 0;

    while (r.fd >= 0 && !found && c >= 0) {
        const uintptr_t from = read_address(&r, &c), to = read_address(&r, &c);
        size_t n = 0;

        while (c >= 0 && c != '\n' && c != '/')
            c = next(&r);
        for (; c >= 0 && c != '\n'; c = next(&r))
            if (n < size - 1)
                path[n++] = (char)c;
        path[n] = '\0';
        found = n && from <= address && address < to;
    }
    if (r.fd >= 0)
        close(r.fd);
    return found;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    static const char what[] =
        ": was cut short or cannot be read any more while it was in use; restore "
        "it and run it again\n";
    char path[1024], shown[4096];

    (void)number;
    (void)context;
    if (!find_mapping((uintptr_t)info->si_addr, path, sizeof(path)))
        memcpy(path, "a file", sizeof("a file"));
    cril_text_show(path, strlen(path), false, shown, sizeof(shown));
    cril_output_remove_unfinished();
    (void)(write(STDERR_FILENO, "cril: ", 6) && write(STDERR_FILENO, shown, strlen(shown)) &&
           write(STDERR_FILENO, what, sizeof(what) - 1)); /* or nobody hears it */
    _exit(1);
}

void cril_bus_catch(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}
