/* A suite that reports as the Unity framework does; built with SEEDED_BUG, one test finds the bug. */
#include "kit.h"
#include "ring.h"

static struct ring ring;
static uint8_t tests, failures, ignored;
static uint32_t failed_line;
static int32_t failed_expected, failed_actual;

static void expect_equal(int32_t expected, int32_t actual, uint32_t line) {
    if (expected == actual || failed_line) return;
    failed_line = line;
    failed_expected = expected;
    failed_actual = actual;
}

#define EXPECT_EQUAL(expected, actual) expect_equal((expected), (actual), __LINE__)

static void put_signed(int32_t value) {
    if (value < 0) put_char('-');
    put_number((uint32_t)(value < 0 ? -value : value));
}

static void test_pop_of_empty(void) { EXPECT_EQUAL(-1, ring_pop(&ring)); }

static void test_keeps_order(void) {
    ring_push(&ring, 7);
    ring_push(&ring, 9);
    EXPECT_EQUAL(7, ring_pop(&ring));
    EXPECT_EQUAL(9, ring_pop(&ring));
}

static void test_push_to_full(void) {
    for (uint8_t byte = 0; byte < RING_SIZE; byte++) EXPECT_EQUAL(1, ring_push(&ring, byte));
    EXPECT_EQUAL(0, ring_push(&ring, 99));
}

static void put_result(uint32_t line, const char *name) {
    put_text("test/test_ring.c:");
    put_number(line);
    put_char(':');
    put_text(name);
}

static void run(void (*test)(void), const char *name, uint32_t line) {
    ring.head = ring.count = 0;
    failed_line = 0;
    tests++;
    test();
    put_result(failed_line ? failed_line : line, name);
    if (failed_line) {
        failures++;
        put_text(":FAIL: Expected ");
        put_signed(failed_expected);
        put_text(" Was ");
        put_signed(failed_actual);
        put_char('\n');
    } else {
        put_text(":PASS\n");
    }
}

#define RUN(test) run(test, #test, __LINE__)

int main(void) {
    RUN(test_pop_of_empty);
    RUN(test_keeps_order);
    RUN(test_push_to_full);
    tests++;
    ignored++;
    put_result(__LINE__, "test_from_interrupt:IGNORE: needs a timer\n");
    put_text("\n-----------------------\n");
    put_number(tests);
    put_text(" Tests ");
    put_number(failures);
    put_text(" Failures ");
    put_number(ignored);
    put_text(" Ignored \n");
    put_text(failures ? "FAIL\n" : "OK\n");
    return failures ? 1 : 0;
}
