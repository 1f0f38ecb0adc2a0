#include "uart.h"

enum { START_RX = 0x000, START_TX = 0x008, RX_READY = 0x108, TX_READY = 0x11c, ENABLE = 0x500, RXD = 0x518, TXD = 0x51c };

void uart_open(uintptr_t base) {
    REGISTER(base, ENABLE) = 4;
    REGISTER(base, START_TX) = 1;
    REGISTER(base, START_RX) = 1;
}

void uart_put(uintptr_t base, uint8_t byte) {
    REGISTER(base, TX_READY) = 0;
    REGISTER(base, TXD) = byte;
    while (!REGISTER(base, TX_READY)) {
    }
}

int uart_get(uintptr_t base) {
    if (!REGISTER(base, RX_READY)) return -1;
    REGISTER(base, RX_READY) = 0;
    return (int)(REGISTER(base, RXD) & 0xff);
}

/* Each byte is waited for as it is sent. */
void uart_drain(uintptr_t base) { (void)base; }
