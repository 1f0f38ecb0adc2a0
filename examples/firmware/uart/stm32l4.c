/* The USART of STM32L4. */
#include "uart.h"

enum { RCC_APB1ENR1 = 0x40021058, RCC_APB1ENR2 = 0x4002105c, RCC_APB2ENR = 0x40021060 };
enum { CR1 = 0x00, BRR = 0x0c, ISR = 0x1c, RDR = 0x24, TDR = 0x28 };
enum { RX_NOT_EMPTY = 1 << 5, TX_COMPLETE = 1 << 6, TX_EMPTY = 1 << 7 };

void uart_open(uintptr_t base) {
    REGISTER(RCC_APB1ENR1, 0) |= 0x1e0000;
    REGISTER(RCC_APB1ENR2, 0) |= 1;
    REGISTER(RCC_APB2ENR, 0) |= 1 << 14;
    REGISTER(base, BRR) = 35;
    REGISTER(base, CR1) = 0x0d;
}

void uart_put(uintptr_t base, uint8_t byte) {
    while (!(REGISTER(base, ISR) & TX_EMPTY)) {
    }
    REGISTER(base, TDR) = byte;
}

int uart_get(uintptr_t base) { return REGISTER(base, ISR) & RX_NOT_EMPTY ? (int)(REGISTER(base, RDR) & 0xff) : -1; }

void uart_drain(uintptr_t base) {
    while (!(REGISTER(base, ISR) & TX_COMPLETE)) {
    }
}
