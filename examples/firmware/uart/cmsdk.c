#include "uart.h"

enum { DATA = 0x00, STATE = 0x04, CTRL = 0x08, BAUDDIV = 0x10 };
enum { TX_FULL = 1, RX_FULL = 2 };

void uart_open(uintptr_t base) {
    REGISTER(base, BAUDDIV) = 217;
    REGISTER(base, CTRL) = 3;
}

void uart_put(uintptr_t base, uint8_t byte) {
    while (REGISTER(base, STATE) & TX_FULL) {
    }
    REGISTER(base, DATA) = byte;
}

int uart_get(uintptr_t base) { return REGISTER(base, STATE) & RX_FULL ? (int)(REGISTER(base, DATA) & 0xff) : -1; }

void uart_drain(uintptr_t base) {
    while (REGISTER(base, STATE) & TX_FULL) {
    }
}
