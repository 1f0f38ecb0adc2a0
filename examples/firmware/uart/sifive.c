#include "uart.h"

enum { TXDATA = 0x00, RXDATA = 0x04, TXCTRL = 0x08, RXCTRL = 0x0c, IP = 0x14, TX_WATERMARK = 1 };

void uart_open(uintptr_t base) {
    REGISTER(base, TXCTRL) = 0x10001;
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

/* With a watermark of one byte, the interrupt is pending when the queue is empty. */
void uart_drain(uintptr_t base) {
    while (!(REGISTER(base, IP) & TX_WATERMARK)) {
    }
}
