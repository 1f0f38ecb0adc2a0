#include "uart.h"

enum { TXDATA = 0x00, RXDATA = 0x04, TXCTRL = 0x08, RXCTRL = 0x0c };

void uart_open(uintptr_t base) {
    REGISTER(base, TXCTRL) = 1;
    REGISTER(base, RXCTRL) = 1;
}

void uart_put(uintptr_t base, uint8_t byte) {
    while ((int32_t)REGISTER(base, TXDATA) < 0) {
    }
    REGISTER(base, TXDATA) = byte;
}

int uart_get(uintptr_t base) {
    uint32_t data = REGISTER(base, RXDATA);
    return (int32_t)data < 0 ? -1 : (int)(data & 0xff);
}
