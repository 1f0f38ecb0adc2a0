/* Guest time on a Cortex-M: the system timer at the 25 MHz of the MPS2 boards. */
#pragma once
#include <stdint.h>

#define SYST_CSR (*(volatile uint32_t *)0xe000e010)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018)
#define ICSR (*(volatile uint32_t *)0xe000ed04)

enum { TICKS_PER_MS = 25000, PENDSTSET = 1 << 26, PENDSTCLR = 1 << 25 };

/* Ticks each so many milliseconds, at most 670. */
static inline void systick_start(uint32_t period_ms) {
    /* The tick becomes pending, which ends a wfi, but is never taken. */
    __asm__ volatile("cpsid i");
    SYST_RVR = period_ms * TICKS_PER_MS - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
}

/* Sleeps until the next tick. */
static inline void systick_wait(void) {
    while (!(ICSR & PENDSTSET)) __asm__ volatile("wfi");
    ICSR = PENDSTCLR;
}

static inline void sleep_ms(uint32_t ms) {
    systick_start(ms);
    systick_wait();
    SYST_CSR = 0;
}
