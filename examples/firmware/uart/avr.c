/* The USART of ATmega, by the address of its UCSRnA. */
#include "uart.h"

enum { A = 0, B = 1, C = 2, UBRRL = 4, DATA = 6 };
enum { DATA_EMPTY = 1 << 5, RX_COMPLETE = 1 << 7 };

static volatile uint8_t *at(uintptr_t base, int offset) { return (volatile uint8_t *)(base + offset); }

void uart_open(uintptr_t base) {
    *at(base, UBRRL) = 8;
    *at(base, C) = 6;
    *at(base, B) = 0x18;
}

void uart_put(uintptr_t base, uint8_t byte) {
    while (!(*at(base, A) & DATA_EMPTY)) {
    }
    *at(base, DATA) = byte;
}

int uart_get(uintptr_t base) { return *at(base, A) & RX_COMPLETE ? *at(base, DATA) : -1; }

void uart_drain(uintptr_t base) {
    while (!(*at(base, A) & DATA_EMPTY)) {
    }
}
