/* In memory, or on a PC at I/O ports. */
#include "uart.h"

/* Bytes from one register to the next. */
#ifndef UART_STRIDE
#define UART_STRIDE 1
#endif

enum { DATA = 0, LCR = 3, MCR = 4, LSR = 5 };
enum { READY = 1, TX_EMPTY = 1 << 5, TX_IDLE = 1 << 6 };

#ifdef __i386__
static void set(uintptr_t base, int at, uint8_t value) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"((uint16_t)(base + at)));
}

static uint8_t get(uintptr_t base, int at) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"((uint16_t)(base + at)));
    return value;
}
#else
static void set(uintptr_t base, int at, uint8_t value) { *(volatile uint8_t *)(base + UART_STRIDE * at) = value; }
static uint8_t get(uintptr_t base, int at) { return *(volatile uint8_t *)(base + UART_STRIDE * at); }
#endif

void uart_open(uintptr_t base) {
    set(base, LCR, 3);
    set(base, MCR, 3);
}

void uart_put(uintptr_t base, uint8_t byte) {
    while (!(get(base, LSR) & TX_EMPTY)) {
    }
    set(base, DATA, byte);
}

int uart_get(uintptr_t base) { return get(base, LSR) & READY ? get(base, DATA) : -1; }

void uart_drain(uintptr_t base) {
    while (!(get(base, LSR) & TX_IDLE)) {
    }
}
