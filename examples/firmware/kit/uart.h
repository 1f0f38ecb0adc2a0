/* What a UART driver is: polled, told its UART by the base address. */
#pragma once
#include <stdint.h>

#define REGISTER(base, offset) (*(volatile uint32_t *)((base) + (offset)))

void uart_open(uintptr_t base);
/* Waits for room, then sends. */
void uart_put(uintptr_t base, uint8_t byte);
/* The next byte received, or -1. */
int uart_get(uintptr_t base);
/* Waits until all that was sent has left the UART. */
void uart_drain(uintptr_t base);
