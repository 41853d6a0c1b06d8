/* dump_store DATABASE: all that a study's database knows, as text. Equal databases have equal dumps. */
#include <cril/store.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const cril_store_options options = { .read_only = true };
    cril_store *s;
    cril_error err;
    cril_status st;

    if (argc != 2) {
        fputs("usage: dump_store DATABASE\n", stderr);
        return 2;
    }
    if ((st = cril_store_open(argv[1], &options, &s, &err)) == CRIL_OK) {
        st = cril_store_dump(s, stdout, &err);
        cril_store_close(s);
    }
    if (st != CRIL_OK)
        fprintf(stderr, "dump_store: %s\n", err.message);
    return st != CRIL_OK;
}
