/* The Raspberry Pi's two: a PL011, and the mini-UART among the auxiliary devices. */
#include "uart.h"

enum { PL011 = 0x3f201000 };
enum { DR = 0x00, FR = 0x18, LCR_H = 0x2c, CR = 0x30, FR_BUSY = 1 << 3, FR_RX_EMPTY = 1 << 4, FR_TX_FULL = 1 << 5 };
enum { AUX_ENABLES = 0x04, MU_IO = 0x40, MU_LCR = 0x4c, MU_LSR = 0x54, MU_CNTL = 0x60, LSR_READY = 1, LSR_TX_EMPTY = 1 << 5, LSR_IDLE = 1 << 6 };

void uart_open(uintptr_t base) {
    if (base == PL011) {
        REGISTER(base, LCR_H) = 0x70;
        REGISTER(base, CR) = 0x301;
    } else {
        REGISTER(base, AUX_ENABLES) = 1;
        REGISTER(base, MU_LCR) = 3;
        REGISTER(base, MU_CNTL) = 3;
    }
}

void uart_put(uintptr_t base, uint8_t byte) {
    if (base == PL011) {
        while (REGISTER(base, FR) & FR_TX_FULL) {
        }
        REGISTER(base, DR) = byte;
    } else {
        while (!(REGISTER(base, MU_LSR) & LSR_TX_EMPTY)) {
        }
        REGISTER(base, MU_IO) = byte;
    }
}

int uart_get(uintptr_t base) {
    if (base == PL011) return REGISTER(base, FR) & FR_RX_EMPTY ? -1 : (int)(REGISTER(base, DR) & 0xff);
    return REGISTER(base, MU_LSR) & LSR_READY ? (int)(REGISTER(base, MU_IO) & 0xff) : -1;
}

void uart_drain(uintptr_t base) {
    if (base == PL011) {
        while (REGISTER(base, FR) & FR_BUSY) {
        }
    } else {
        while (!(REGISTER(base, MU_LSR) & LSR_IDLE)) {
        }
    }
}
