/* A test for the CMSDK UART of Arm's MPS2 boards: says what it finds, and ends with an exit code by semihosting. */
#include <stdint.h>

static volatile uint32_t *const uart = (volatile uint32_t *)0x40004000;
enum { DATA = 0, STATE = 1, CONTROL = 2, BAUD_DIVIDER = 4 };
enum { TRANSMIT_FULL = 1, TRANSMIT_ENABLE = 1 };

static void say(const char *text) {
    uart[BAUD_DIVIDER] = 16;
    uart[CONTROL] = TRANSMIT_ENABLE;
    for (; *text; text++) {
        while (uart[STATE] & TRANSMIT_FULL) {
        }
        uart[DATA] = (uint32_t)*text;
    }
}

/* SYS_EXIT_EXTENDED of Arm's semihosting: the reason is ADP_Stopped_ApplicationExit. */
static _Noreturn void end(uint32_t code) {
    const uint32_t block[] = {0x20026, code};
    register uint32_t operation __asm__("r0") = 0x20;
    register const uint32_t *parameters __asm__("r1") = block;
    for (;;) __asm__ volatile("bkpt 0xab" : : "r"(operation), "r"(parameters) : "memory");
}

static int add(int a, int b) {
#ifdef SEEDED_BUG
    return a - b;
#else
    return a + b;
#endif
}

_Noreturn void reset(void) {
    volatile int four = 4;
    if (add(four, 1) == 5) {
        say("4 + 1 is 5: ok\n");
        end(0);
    }
    say("4 + 1 is not 5: FAIL\n");
    end(1);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {(void *)0x20010000, (void *)reset};
