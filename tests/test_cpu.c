/* What CRIL_CPU may say, and what it leaves of the kernel sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernels/kernels.h"

#include <cril/cpu.h>
#include <stdlib.h>
#include <string.h>

static void test_not_set(void **state)
{
    cril_kernel_info k;
    size_t n = 0, count;

    (void)state;
    unsetenv("CRIL_CPU");
    assert_int_equal(cril_cpu_check(NULL), CRIL_OK);
    for (; cril_kernel_info_at(n, &k); n++) {
        assert_true(k.allowed);
        assert_true(k.name[0] && k.needs[0]);
        assert_ptr_equal(cril_kernel_set_find(k.name), cril_kernel_sets(&count) + n);
    }
    assert_true(n > 0);
    assert_false(cril_kernel_info_at(SIZE_MAX, &k));
    assert_true(cril_kernel_info_at(0, &k));
    assert_string_equal(k.name, "ref");
    assert_true(k.available);
    setenv("CRIL_CPU", "", 1);
    assert_int_equal(cril_cpu_check(NULL), CRIL_OK);
    assert_true(cril_kernel_info_at(n - 1, &k) && k.allowed);
}

static void test_unknown(void **state)
{
    static const char *const names[] = {"fast", "re", "reff", "Ref", "ref ", "ref,avx2", "\n"};
    cril_kernel_info k;
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        setenv("CRIL_CPU", names[i], 1);
        assert_int_equal(cril_cpu_check(&err), CRIL_ERR_RANGE);
        for (size_t s = 0; cril_kernel_info_at(s, &k); s++) {
            assert_non_null(strstr(err.message, k.name));
            assert_true(k.allowed);
        }
    }
}

static void test_named(void **state)
{
    cril_kernel_info k, other;
    cril_error err;

    (void)state;
    for (size_t i = 0; cril_kernel_info_at(i, &k); i++) {
        setenv("CRIL_CPU", k.name, 1);
        assert_int_equal(cril_cpu_check(&err), k.available ? CRIL_OK : CRIL_ERR_UNSUPPORTED);
        if (!k.available)
            assert_non_null(strstr(err.message, k.needs));
        for (size_t s = 0; cril_kernel_info_at(s, &other); s++)
            assert_int_equal(other.allowed, s <= i);
    }
}

/* The choice is made once: of those that were allowed, the last that the CPU has. */
static void test_choice(void **state)
{
    cril_kernel_info k;
    const char *best = NULL;

    (void)state;
    unsetenv("CRIL_CPU");
    for (size_t i = 0; cril_kernel_info_at(i, &k); i++)
        best = k.available ? k.name : best;
    assert_string_equal(cril_cpu_kernels(), best);
    assert_string_equal(cril_kernels()->name, best);
    setenv("CRIL_CPU", "ref", 1);
    assert_string_equal(cril_cpu_kernels(), best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_not_set),
                                       cmocka_unit_test(test_unknown), cmocka_unit_test(test_named),
                                       cmocka_unit_test(test_choice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
