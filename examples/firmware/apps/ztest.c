/* A suite that reports as Zephyr's ztest does; built with SEEDED_BUG, one test finds the bug. */
#include "kit.h"
#include "ring.h"

static struct ring ring;
static uint8_t passed, failed;

#define RULE "===================================================================\n"

static int test_order(void) {
    ring_push(&ring, 7);
    ring_push(&ring, 9);
    return ring_pop(&ring) == 7 && ring_pop(&ring) == 9;
}

static int test_overflow(void) {
    for (uint8_t byte = 0; byte < RING_SIZE; byte++) ring_push(&ring, byte);
    return !ring_push(&ring, 99);
}

static const struct {
    const char *name;
    int (*run)(void);
} tests[] = {{"test_order", test_order}, {"test_overflow", test_overflow}};

enum { COUNT = sizeof tests / sizeof tests[0] };
static uint8_t results[COUNT];

static void put_result(uint8_t number) { put_text(results[number] ? "PASS" : "FAIL"); }

int main(void) {
    put_text("*** Booting Zephyr OS build v3.7.0 ***\nRunning TESTSUITE ring\n" RULE);
    for (uint8_t number = 0; number < COUNT; number++) {
        ring.head = ring.count = 0;
        put_text("START - ");
        put_text(tests[number].name);
        put_char('\n');
        results[number] = (uint8_t)tests[number].run();
        if (results[number]) {
            passed++;
        } else {
            failed++;
            put_text("\n    Assertion failed at WEST_TOPDIR/ring/src/main.c:18: ring_test_overflow: "
                     "(ring_push(&ring, 99) is true)\n");
        }
        put_char(' ');
        put_result(number);
        put_text(" - ");
        put_text(tests[number].name);
        put_text(" in 0.001 seconds\n" RULE);
    }
    put_text(failed ? "TESTSUITE ring failed.\n" : "TESTSUITE ring succeeded\n");
    put_text("\n------ TESTSUITE SUMMARY START ------\n\nSUITE ");
    put_text(failed ? "FAIL -  " : "PASS - ");
    put_number((uint32_t)passed * 100 / COUNT);
    put_text(".00% [ring]: pass = ");
    put_number(passed);
    put_text(", fail = ");
    put_number(failed);
    put_text(", skip = 0, total = 2 duration = 0.002 seconds\n");
    for (uint8_t number = 0; number < COUNT; number++) {
        put_text(" - ");
        put_result(number);
        put_text(" - [ring.");
        put_text(tests[number].name);
        put_text("] duration = 0.001 seconds\n");
    }
    put_text("\n------ TESTSUITE SUMMARY END ------\n\n" RULE);
    put_text(failed ? "PROJECT EXECUTION FAILED\n" : "PROJECT EXECUTION SUCCESSFUL\n");
    return failed ? 1 : 0;
}
