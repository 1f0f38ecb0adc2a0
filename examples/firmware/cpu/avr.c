/* The C library's start-up code calls main; the kit opens the UARTs before it and ends after it. */
#include "kit.h"
#include "memory.h"

__attribute__((naked, used, section(".init8"))) void avr_start(void) { __asm__ volatile("jmp kit_start"); }

void crash(void) { __asm__ volatile(".word 0xffff"); }

/* No watchdog is emulated: a jump to the reset vector is the nearest to a reset. */
void reset_board(void) { __asm__ volatile("jmp 0"); }
