/*
 * Pins of a board whose GPIO the emulator does not have, by the line protocol over its last UART: `GPIO <pin> <level>`
 * goes out, `SET <pin> <level>` comes in.
 */
#pragma once
#include "kit.h"

enum { SHIM_PINS = 64 };

typedef struct {
    uint8_t levels[SHIM_PINS];
    uint32_t edges;
    uint32_t pin;
    uint8_t at;
    uint8_t level;
    /* Bytes are taken by an interrupt's handler, and by nobody else. */
    uint8_t has_handler;
} shim_t;

static inline shim_t *shim_state(void) {
    static shim_t state;
    return &state;
}

static inline uint8_t shim_uart(void) { return (uint8_t)(uart_count - 1); }

/* One byte of a line; what is no line is passed over. */
static inline void shim_take(char byte) {
    enum { PIN = 4, LEVEL, END, BAD };
    shim_t *shim = shim_state();
    if (byte == '\n') {
        if (shim->at == END && shim->pin < SHIM_PINS && shim->levels[shim->pin] != shim->level) {
            shim->levels[shim->pin] = shim->level;
            shim->edges++;
        }
        shim->at = 0;
        shim->pin = 0;
    } else if (shim->at < PIN) {
        shim->at = byte == "SET "[shim->at] ? shim->at + 1 : BAD;
    } else if (shim->at == PIN) {
        if (byte >= '0' && byte <= '9') shim->pin = 10 * shim->pin + (uint32_t)(byte - '0');
        else shim->at = byte == ' ' ? LEVEL : BAD;
    } else {
        shim->level = byte == '1';
        shim->at = shim->at == LEVEL && (byte == '0' || byte == '1') ? END : BAD;
    }
}

static inline void shim_receive(void) {
    int byte;
    while ((byte = uart_read(shim_uart())) >= 0) shim_take((char)byte);
}

static inline int shim_read(uint32_t pin) {
    if (!shim_state()->has_handler) shim_receive();
    return shim_state()->levels[pin % SHIM_PINS];
}

static inline void shim_number(uint32_t value) {
    if (value >= 10) shim_number(value / 10);
    uart_write(shim_uart(), (char)('0' + value % 10));
}

static inline void shim_write(uint32_t pin, int level) {
    uint8_t *now = &shim_state()->levels[pin % SHIM_PINS];
    if (*now == !!level) return;
    *now = !!level;
    for (const char *text = "GPIO "; *text; text++) uart_write(shim_uart(), *text);
    shim_number(pin);
    uart_write(shim_uart(), ' ');
    uart_write(shim_uart(), level ? '1' : '0');
    uart_write(shim_uart(), '\n');
}
