/*
 * Tells how it found the registers of its UART, turns the UART off with a speed of its own, and ends. For mps2-an385,
 * arm-virt and sifive-e.
 */
#include "kit.h"
#include "memory.h"
#include "uart.h"

#if defined __riscv
/* SiFive: both directions on or off, and the divisor. */
static const uint32_t registers[] = {0x08, 0x0c, 0x18}, off[] = {0, 0, 0x123};
#elif defined __aarch64__
/* PL011: the divisors, the line and the control register. */
static const uint32_t registers[] = {0x24, 0x28, 0x2c, 0x30}, off[] = {0x123, 0x12, 0, 0};
#else
/* CMSDK: the control register and the divisor. */
static const uint32_t registers[] = {0x08, 0x10}, off[] = {0, 0x123};
#endif
enum { COUNT = sizeof registers / sizeof registers[0] };

static const uintptr_t uarts[] = {UART_BASES};
static uint32_t found[COUNT];

void kit_start(void) {
    for (uint32_t at = 0; at < COUNT; at++) found[at] = REGISTER(uarts[0], registers[at]);
    uart_open(uarts[0]);
    end_board(main());
}

int main(void) {
    put_text("found");
    for (uint32_t at = 0; at < COUNT; at++) {
        put_char(' ');
        put_number(found[at]);
    }
    put_char('\n');
    uart_drain(uarts[0]);
    for (uint32_t at = 0; at < COUNT; at++) REGISTER(uarts[0], registers[at]) = off[at];
    return 5;
}
