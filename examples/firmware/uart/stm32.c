/* The USART of STM32F1, F2 and F4. */
#include "uart.h"

enum { SR = 0x00, DR = 0x04, CR1 = 0x0c };
enum { RX_NOT_EMPTY = 1 << 5, TX_COMPLETE = 1 << 6, TX_EMPTY = 1 << 7 };

void uart_open(uintptr_t base) { REGISTER(base, CR1) = 0x200c; }

void uart_put(uintptr_t base, uint8_t byte) {
    while (!(REGISTER(base, SR) & TX_EMPTY)) {
    }
    REGISTER(base, DR) = byte;
}

int uart_get(uintptr_t base) { return REGISTER(base, SR) & RX_NOT_EMPTY ? (int)(REGISTER(base, DR) & 0xff) : -1; }

void uart_drain(uintptr_t base) {
    while (!(REGISTER(base, SR) & TX_COMPLETE)) {
    }
}
