/* Two timers of 1 MHz that interrupt for ever. For mps2-an385, at its 25 MHz. */
#include "kit.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define DUAL_TIMER(offset) REG(0x40002000 + (offset))

enum { TICKS = 25, SYSTICK = 15, DUAL_TIMER_IRQ = 10, ENOUGH = 1000 };

static volatile uint32_t interrupts;
static uint32_t table[64] __attribute__((aligned(256)));

static void on_systick(void) { interrupts++; }

static void on_dual_timer(void) {
    DUAL_TIMER(0x0c) = 1;
    interrupts++;
}

int main(void) {
    for (uint32_t at = 0; at < 16; at++) table[at] = REG(4 * at);
    table[SYSTICK] = (uint32_t)on_systick;
    table[16 + DUAL_TIMER_IRQ] = (uint32_t)on_dual_timer;
    REG(0xe000ed08) = (uint32_t)table;
    put_text("storm begins\n");
    REG(0xe000e100) = 1 << DUAL_TIMER_IRQ;
    DUAL_TIMER(0x00) = TICKS - 1;
    DUAL_TIMER(0x08) = 0xe2;
    REG(0xe000e014) = TICKS - 1;
    REG(0xe000e018) = 0;
    REG(0xe000e010) = 7;
    while (interrupts < ENOUGH) {
    }
    put_text("left\n");
    for (;;) {
    }
}
