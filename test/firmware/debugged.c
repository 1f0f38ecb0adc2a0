/* For debuggers: each byte received runs a function that steps, breakpoints and watchpoints show something of. */
#include "kit.h"

volatile uint32_t counter;

__attribute__((noinline)) uint32_t triple(uint32_t value) {
    uint32_t sum = value;
    sum += value;
    sum += value;
    return sum;
}

__attribute__((noinline)) void work(void) {
    counter = triple(counter) + 1;
}

/* A crash that a report should find, with a caller above it. */
__attribute__((noinline)) void dive(void) {
    crash();
    counter = 0;
}

/* From now on no exception has a handler, as in an image without a vector table. */
static void forget_vectors(void) {
#if defined __ARM_ARCH_7M__
    static const uint32_t none[16] __attribute__((aligned(128)));
    *(volatile uint32_t *)0xe000ed08 = (uint32_t)none;
#endif
}

int main(void) {
    put_text("debugged\n");
    for (;;) {
        char byte = get_char();
        if (byte == 'v') forget_vectors();
        if (byte == 'c') dive();
        work();
        put_number(counter);
        put_char('\n');
    }
}
