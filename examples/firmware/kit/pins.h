/* The pins of the boards whose GPIO has a model, by the board's own numbers. */
#pragma once
#include "kit.h"
#include "pin-shim.h"

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define IS_BOARD(name) (__builtin_strcmp(BOARD, name) == 0)

#define IS_NRF51 IS_BOARD("microbit")
#define IS_SIFIVE (IS_BOARD("sifive-e") || IS_BOARD("sifive-u"))
#define IS_PL061 IS_BOARD("lm3s6965evb")
#define IS_STM32L4 IS_BOARD("b-l475e-iot01a")
#define IS_BCM2835 (IS_BOARD("raspi2b") || IS_BOARD("raspi3b"))
#define IS_ASPEED IS_BOARD("ast1030-evb")
/* GPIO that the emulator does not have: a UART stands in for it. */
#define IS_SHIM IS_BOARD("mps2-an386")

#define NRF51 0x50000000
#define SIFIVE (IS_BOARD("sifive-e") ? 0x10012000 : 0x10060000)
#define SIFIVE_IRQ (IS_BOARD("sifive-e") ? 8 : 7)
#define PLIC 0x0c000000
#define BCM2835 0x3f200000
/* Ports A to H, 32 lines in a block. */
#define ASPEED(pin) (0x7e780000 + 0x20 * ((pin) / 32))
#define NVIC_ENABLE 0xe000e100
#define VTOR 0xe000ed08

enum { NRF51_IN = 0x510, NRF51_OUTSET = 0x508, NRF51_OUTCLR = 0x50c, NRF51_CNF = 0x700 };
enum { SIFIVE_VALUE = 0, SIFIVE_IN = 4, SIFIVE_OUT = 8, SIFIVE_PORT = 0xc, SIFIVE_RISE = 0x18, SIFIVE_FALL = 0x20 };
enum { PL061_DIR = 0x400, PL061_SENSE = 0x404, PL061_BOTH = 0x408, PL061_MASK = 0x410, PL061_CLEAR = 0x41c };
enum { ASPEED_DATA = 0, ASPEED_DIR = 4, ASPEED_ENABLE = 8, ASPEED_BOTH = 0x14, ASPEED_STATUS = 0x18 };
enum { STM_MODE = 0, STM_IDR = 0x10, STM_BSRR = 0x18, EXTI = 0x40010400, SYSCFG = 0x40010000 };

/* Interrupts so far of pins that count their edges. */
extern volatile uint32_t pin_edges;

static inline uintptr_t pl061_of(uint32_t pin) {
    static const uintptr_t bases[] = {0x40004000, 0x40005000, 0x40006000, 0x40007000,
                                      0x40024000, 0x40025000, 0x40026000};
    return bases[pin / 8 % 7];
}

static inline uintptr_t stm_of(uint32_t pin) { return 0x48000000 + 0x400 * (pin / 16); }

static inline void set_bits(uintptr_t address, uint32_t mask, uint32_t value) {
    REG(address) = (REG(address) & ~mask) | value;
}

static inline void pin_direction(uint32_t pin, int is_output) {
    if (IS_NRF51) REG(NRF51 + NRF51_CNF + 4 * pin) = is_output ? 1 : 0;
    if (IS_SIFIVE) {
        set_bits(SIFIVE + SIFIVE_IN, 1u << pin, (is_output ? 0u : 1u) << pin);
        set_bits(SIFIVE + SIFIVE_OUT, 1u << pin, (is_output ? 1u : 0u) << pin);
    }
    if (IS_PL061) set_bits(pl061_of(pin) + PL061_DIR, 1u << pin % 8, (is_output ? 1u : 0u) << pin % 8);
    if (IS_STM32L4) {
        REG(0x4002104c) = 0xff;
        set_bits(stm_of(pin) + STM_MODE, 3u << 2 * (pin % 16), (is_output ? 1u : 0u) << 2 * (pin % 16));
    }
    if (IS_BCM2835) set_bits(BCM2835 + pin / 10 * 4, 7u << pin % 10 * 3, (is_output ? 1u : 0u) << pin % 10 * 3);
    if (IS_ASPEED) set_bits(ASPEED(pin) + ASPEED_DIR, 1u << pin % 32, (is_output ? 1u : 0u) << pin % 32);
}

static inline void pin_write(uint32_t pin, int level) {
    if (IS_SHIM) shim_write(pin, level);
    if (IS_ASPEED) set_bits(ASPEED(pin) + ASPEED_DATA, 1u << pin % 32, (level ? 1u : 0u) << pin % 32);
    if (IS_NRF51) REG(NRF51 + (level ? NRF51_OUTSET : NRF51_OUTCLR)) = 1u << pin;
    if (IS_SIFIVE) set_bits(SIFIVE + SIFIVE_PORT, 1u << pin, (level ? 1u : 0u) << pin);
    if (IS_PL061) REG(pl061_of(pin) + (4u << pin % 8)) = level ? 0xff : 0;
    if (IS_STM32L4) REG(stm_of(pin) + STM_BSRR) = (level ? 1u : 0x10000u) << pin % 16;
    if (IS_BCM2835) REG(BCM2835 + (level ? 0x1c : 0x28) + pin / 32 * 4) = 1u << pin % 32;
}

static inline int pin_read(uint32_t pin) {
    if (IS_SHIM) return shim_read(pin);
    if (IS_ASPEED) return REG(ASPEED(pin) + ASPEED_DATA) >> pin % 32 & 1;
    if (IS_NRF51) return REG(NRF51 + NRF51_IN) >> pin & 1;
    if (IS_SIFIVE) return REG(SIFIVE + SIFIVE_VALUE) >> pin & 1;
    if (IS_PL061) return REG(pl061_of(pin) + (4u << pin % 8)) != 0;
    if (IS_STM32L4) return REG(stm_of(pin) + STM_IDR) >> pin % 16 & 1;
    if (IS_BCM2835) return REG(BCM2835 + 0x34 + pin / 32 * 4) >> pin % 32 & 1;
    return 0;
}

/* Counts both edges of an input by interrupts; 0: this board's model has none. */
int pin_count_edges(uint32_t pin);
