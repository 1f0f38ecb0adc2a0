#include "uart.h"

enum { DR = 0x00, FR = 0x18, LCR_H = 0x2c, CR = 0x30 };
enum { BUSY = 1 << 3, RX_EMPTY = 1 << 4, TX_FULL = 1 << 5 };

void uart_open(uintptr_t base) {
    REGISTER(base, LCR_H) = 0x70;
    REGISTER(base, CR) = 0x301;
}

void uart_put(uintptr_t base, uint8_t byte) {
    while (REGISTER(base, FR) & TX_FULL) {
    }
    REGISTER(base, DR) = byte;
}

int uart_get(uintptr_t base) { return REGISTER(base, FR) & RX_EMPTY ? -1 : (int)(REGISTER(base, DR) & 0xff); }

void uart_drain(uintptr_t base) {
    while (REGISTER(base, FR) & BUSY) {
    }
}
