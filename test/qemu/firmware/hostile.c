/*
 * Leaves as much behind as a guest can: RAM full of a pattern, no vector table, a timer that fires for ever; then
 * floods its UART until it is stopped. For mps2-an385, whose program lies in RAM.
 */
#include "kit.h"

#define REG(address) (*(volatile uint32_t *)(address))

int main(void) {
    put_text("leaving traces\n");
    __asm__ volatile("cpsid i");
    for (uint32_t at = 0x20000000; at < 0x20040000; at += 4) REG(at + 0x100000) = 0x5eed5eed;
    for (uint32_t at = 0x21000000; at < 0x21040000; at += 4) REG(at) = 0x5eed5eed;
    /* A dual timer and a watchdog at their fastest, interrupts of all UARTs, and SysTick. */
    REG(0x40002000) = 100;
    REG(0x40002008) = 0xe2;
    REG(0x40008c00) = 0x1acce551;
    REG(0x40008000) = 0x7fffffff;
    REG(0x40008008) = 3;
    REG(0xe000e100) = 0xffffffff;
    REG(0xe000e014) = 1000;
    REG(0xe000e010) = 3;
    for (uint32_t at = 0; at < 0x40; at += 4) REG(at) = 0xdeadbeef;
    for (;;) put_text("flood flood flood flood flood flood\n");
}
