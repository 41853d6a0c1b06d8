#ifdef __linux__
#define _DEFAULT_SOURCE /* madvise: posix_madvise does not release; _SC_PHYS_PAGES */
#endif
#include "util/memory.h"

#include "util/size.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20 };

/* Large blocks are read from end to end again and again: in huge pages that is up to a third
   faster, where a system gives them to those who ask. */
static void *allocate(size_t bytes)
{
#ifdef MADV_HUGEPAGE
    if (bytes >= 4 * (size_t)HUGE_PAGE && bytes <= SIZE_MAX - HUGE_PAGE) {
        void *data = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
        if (data)
            madvise(data, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
        return data;
    }
#endif
    return aligned_alloc(ALIGNMENT, bytes);
}

bool cril_memory_reserve(struct cril_memory *m, size_t count, size_t size)
{
    size_t bytes;

    if (!cril_size_mul(count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT)
        bytes = SIZE_MAX;
    else if (m->data && bytes <= m->bytes)
        return true;
    free(m->data);
    m->data = NULL;
    if (bytes < SIZE_MAX) {
        m->bytes = bytes / ALIGNMENT * ALIGNMENT + ALIGNMENT;
        m->data = allocate(m->bytes);
    }
    if (!m->data)
        m->bytes = 0;
    return m->data != NULL;
}

size_t cril_memory_resident(void)
{
    unsigned long long total, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (!f)
        return 0;
    if (fscanf(f, "%llu %llu", &total, &resident) != 2)
        resident = 0;
    fclose(f);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

size_t cril_memory_physical(void)
{
    long pages = -1;

#ifdef _SC_PHYS_PAGES
    pages = sysconf(_SC_PHYS_PAGES);
#endif
    return pages > 0 ? (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

#ifdef __linux__
static void advise(const uint8_t *data, size_t len, int advice)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t from = ((uintptr_t)data + page - 1) / page * page,
                    to = ((uintptr_t)data + len) / page * page;

    if (from < to)
        madvise((void *)from, to - from, advice);
}

void cril_pages_fetch(const uint8_t *data, size_t len)
{
    advise(data, len, MADV_WILLNEED);
}

void cril_pages_release(const uint8_t *data, size_t len)
{
    advise(data, len, MADV_DONTNEED);
}
#else
void cril_pages_fetch(const uint8_t *data, size_t len)
{
    (void)data;
    (void)len;
}

void cril_pages_release(const uint8_t *data, size_t len)
{
    (void)data;
    (void)len;
}
#endif
