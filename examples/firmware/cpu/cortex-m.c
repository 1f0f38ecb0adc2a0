#include "kit.h"
#include "memory.h"

extern char stack_top[];

_Noreturn void _start(void) {
    memory_start();
    kit_start();
}

/* A fault in the handler of a fault locks the CPU up: the end that a crash has on this CPU without a debugger. */
static void fault(void) { crash(); }

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, (void *)_start, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};

void crash(void) { __asm__ volatile("udf #0"); }

void reset_board(void) {
    *(volatile uint32_t *)0xe000ed0c = 0x05fa0004;
    for (;;) {
    }
}
