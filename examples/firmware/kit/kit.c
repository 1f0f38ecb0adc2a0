#include "kit.h"
#include "memory.h"
#include "uart.h"

static const uintptr_t uart_bases[] = {UART_BASES};
const uint8_t uart_count = sizeof uart_bases / sizeof uart_bases[0];

/* Weak: an app may open its UARTs in a way of its own. */
__attribute__((weak)) void kit_start(void) {
    for (uint8_t number = 0; number < uart_count; number++) uart_open(uart_bases[number]);
    end_run(main());
}

void uart_write(uint8_t number, char byte) { uart_put(uart_bases[number], (uint8_t)byte); }

int uart_read(uint8_t number) { return uart_get(uart_bases[number]); }

void put_char(char byte) { uart_write(0, byte); }

void put_text(const char *text) {
    while (*text) put_char(*text++);
}

void put_number(uint32_t value) {
    char digits[10];
    uint8_t length = 0;
    do {
        digits[length++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (length) put_char(digits[--length]);
}

char get_char(void) {
    int byte;
    do {
        byte = uart_read(0);
    } while (byte < 0);
    return (char)byte;
}

_Noreturn void end_run(int code) {
    for (uint8_t number = 0; number < uart_count; number++) uart_drain(uart_bases[number]);
    end_board(code);
}

_Noreturn void fatal_exception(void) {
    put_text("\nFATAL: unexpected exception\n");
    for (;;) {
    }
}

/* Compilers may call these for copies of structures and arrays. */
#ifndef __AVR__
void *memcpy(void *to, const void *from, __SIZE_TYPE__ size) {
    for (__SIZE_TYPE__ at = 0; at < size; at++) ((volatile char *)to)[at] = ((const char *)from)[at];
    return to;
}

void *memset(void *to, int value, __SIZE_TYPE__ size) {
    for (__SIZE_TYPE__ at = 0; at < size; at++) ((volatile char *)to)[at] = (char)value;
    return to;
}
#endif
