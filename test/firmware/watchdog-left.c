/*
 * Arms a watchdog that bites after 200 ms of its time, by an interrupt that nobody serves: the CPU locks up. Tells
 * first how it found it. For mps2-an385.
 */
#include "kit.h"

#define WATCHDOG(offset) (*(volatile uint32_t *)(0x40008000 + (offset)))

enum { LOAD = 0x00, VALUE = 0x04, CONTROL = 0x08, LOCK = 0xc00, KEY = 0x1acce551, TICKS_PER_MS = 25000 };

int main(void) {
    put_text("found ");
    put_number(WATCHDOG(LOAD));
    put_char(' ');
    put_number(WATCHDOG(CONTROL));
    put_char(' ');
    put_number(WATCHDOG(LOCK));
    put_char('\n');
    WATCHDOG(LOCK) = KEY;
    WATCHDOG(LOAD) = 200 * TICKS_PER_MS;
    WATCHDOG(CONTROL) = 3;
    put_text("left\n");
    for (;;) {
    }
}
