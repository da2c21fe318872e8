/* criterion.h - Criterion's names for tests that run with E-ACSL: one test a process, from a plain
 * main that run.sh writes. A check that fails says where and ends the test's process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_suite {
    void (*init)(void), (*fini)(void);
};

#define TestSuite(suite, ...) static const struct test_suite suite##_suite = {__VA_ARGS__}
#define Test(suite, name)     static void suite##__##name(void)

static void check(int holds, const char *file, int line, const char *text)
{
    if (holds)
        return;
    printf("%s:%d: FAIL: %s\n", file, line, text);
    exit(1);
}

#define cr_assert(condition, ...)  check((condition) != 0, __FILE__, __LINE__, #condition)
#define cr_assert_eq(a, b, ...)    cr_assert((a) == (b))
#define cr_assert_neq(a, b, ...)   cr_assert((a) != (b))
#define cr_assert_leq(a, b, ...)   cr_assert((a) <= (b))
#define cr_assert_null(a, ...)     cr_assert((a) == NULL)
#define cr_expect                  cr_assert
#define cr_expect_eq               cr_assert_eq
#define cr_expect_neq              cr_assert_neq
#define cr_expect_leq              cr_assert_leq
#define cr_expect_null             cr_assert_null
#define cr_expect_arr_eq(a, b, n)  cr_assert(memcmp(a, b, n) == 0)
