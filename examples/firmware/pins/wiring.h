/* Which pins of each board the apps use, by the board's own numbers; diagram.json of a project has parts there. */
#pragma once
#include "pins.h"

/* microbit: edge connector; b-l475e-iot01a: Arduino connector; lm3s6965evb: ports C, E and G; sifive-e: GPIO. */
#define LED (IS_NRF51 ? 3 : IS_STM32L4 ? 5 : IS_PL061 ? 16 : 5)
#define LED2 (IS_NRF51 ? 2 : IS_STM32L4 ? 6 : IS_PL061 ? 17 : 4)
#define LED3 (IS_NRF51 ? 1 : IS_STM32L4 ? 7 : IS_PL061 ? 18 : 3)
#define BUTTON (IS_NRF51 ? 17 : IS_STM32L4 ? 62 : IS_PL061 ? 32 : 18)
/* Segments A to G: seven lines of one port in a row, from this one. */
#define SEGMENT_A (IS_NRF51 ? 4 : IS_STM32L4 ? 32 : IS_PL061 ? 48 : 10)

static inline void wait_turns(uint32_t turns) {
    for (volatile uint32_t turn = 0; turn < turns; turn++) {
    }
}
