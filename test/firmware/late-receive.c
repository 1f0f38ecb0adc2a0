/*
 * Lets its UART receive only 300 ms after its start, then says of each byte that it has got how many those were. One
 * whose receiver is always on holds one byte, throws it away with its mode, and gets more from then on. For
 * mps2-an385, sifive-e, arm-virt and riscv64-virt.
 */
#include "kit.h"
#include "memory.h"
#include "uart.h"

static const uintptr_t uarts[] = {UART_BASES};

#if defined __arm__
#include "systick.h"

/* CMSDK. */
enum { CTRL = 0x08, BAUDDIV = 0x10, TX_ENABLE = 1, RX_ENABLE = 2 };

static void open_half(void) {
    REGISTER(uarts[0], BAUDDIV) = 217;
    REGISTER(uarts[0], CTRL) = TX_ENABLE;
}

static void let_receive(void) { REGISTER(uarts[0], CTRL) = TX_ENABLE | RX_ENABLE; }
#elif defined __aarch64__
/* PL011: its mode is whether it has a FIFO. */
enum { LCR_H = 0x2c, CR = 0x30, ALL_ON = 0x301, EIGHT_BITS = 0x60, FIFO = 0x10 };

static void open_half(void) {
    REGISTER(uarts[0], LCR_H) = EIGHT_BITS;
    REGISTER(uarts[0], CR) = ALL_ON;
}

static void let_receive(void) { REGISTER(uarts[0], LCR_H) = EIGHT_BITS | FIFO; }

static uint64_t ticks(void) {
    uint64_t count;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
}
enum { TICKS_PER_MS = 62500 };
#else
#define MTIME (*(volatile uint32_t *)0x200bff8)

static uint32_t ticks(void) { return MTIME; }

#if __riscv_xlen == 32
/* SiFive; its clock is that of a watch. */
enum { TICKS_PER_MS = 33, TXCTRL = 0x08, RXCTRL = 0x0c };

static void open_half(void) { REGISTER(uarts[0], TXCTRL) = 1; }
static void let_receive(void) { REGISTER(uarts[0], RXCTRL) = 1; }
#else
/* 16550: its mode is whether it has a FIFO. */
enum { TICKS_PER_MS = 10000, FCR = 2, LCR = 3, FIFO = 1, EIGHT_BITS = 3 };

static void open_half(void) { *(volatile uint8_t *)(uarts[0] + LCR) = EIGHT_BITS; }
static void let_receive(void) { *(volatile uint8_t *)(uarts[0] + FCR) = FIFO; }
#endif
#endif

#ifndef __arm__
static void sleep_ms(uint32_t ms) {
    __auto_type begin = ticks();
    while (ticks() - begin < ms * TICKS_PER_MS) {
    }
}
#endif

void kit_start(void) {
    open_half();
    end_run(main());
}

int main(void) {
    put_text("not listening\n");
    sleep_ms(300);
    let_receive();
    put_text("listening\n");
    for (uint32_t count = 1;; count++) {
        get_char();
        put_number(count);
        put_char('\n');
    }
}
