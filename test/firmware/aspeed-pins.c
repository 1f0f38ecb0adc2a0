/*
 * Pins of an Aspeed AST1030, whose lines QEMU shows as properties: line A1 follows line A0. Stands by itself: the kit has no
 * such board. Its image lies at 0.
 */
#include <stdint.h>

#define GPIO(offset) (*(volatile uint32_t *)(0x7e780000 + (offset)))

enum { DATA = 0, DIRECTION = 4, A0 = 1, A1 = 2 };

_Noreturn void start(void) {
    GPIO(DIRECTION) = A1;
    for (;;) GPIO(DATA) = (GPIO(DATA) & A0) ? A1 : 0;
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {(void *)0x80000, (void *)start};
