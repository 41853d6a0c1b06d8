/* generate_same MODEL [OUT]: checks texts that a model generates as generate_check.h says, and
 * writes their ids, for cmp. */
#include "generate_check.h"

static const char *model_path, *out_path;

static void test_texts(void **state)
{
    FILE *const out = out_path ? fopen(out_path, "w") : NULL;
    cril_error err;
    cril_model *m;

    (void)state;
    if (cril_model_open(model_path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    check_texts(m, out);
    cril_model_close(m);
    assert_true(!out_path || (out && fclose(out) == 0));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts)};

    if (argc < 2)
        return 2;
    model_path = argv[1];
    out_path = argc > 2 ? argv[2] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
