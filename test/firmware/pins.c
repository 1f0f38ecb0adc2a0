/*
 * Does with its pins what it is told over the console, a command on a line: o PIN, i PIN (output, input), w PIN LEVEL,
 * r PIN (tells the level), t PIN TIMES (toggles), k PIN TIMES PAUSE (blinks), m IN OUT (the output follows the input until
 * a byte comes), d PIN (tells each press of a button to low, debounced, until a byte comes), e PIN (counts edges by
 * interrupts), c (tells how many came), x (resets). Answers each with its own letter.
 */
#include "pins.h"

enum { STABLE_READS = 2000 };

volatile uint32_t pin_edges;

#ifdef __riscv
static void __attribute__((interrupt, aligned(4))) on_interrupt(void) {
    uint32_t source = REG(PLIC + 0x200004);
    if (source == 0) return;
    uint32_t bit = 1u << (source - SIFIVE_IRQ);
    /* The model raises its line again with each write while the other edge is pending: what is pending is counted. */
    pin_edges += (REG(SIFIVE + SIFIVE_RISE + 4) & bit) != 0;
    pin_edges += (REG(SIFIVE + SIFIVE_FALL + 4) & bit) != 0;
    REG(SIFIVE + SIFIVE_RISE + 4) = bit;
    REG(SIFIVE + SIFIVE_FALL + 4) = bit;
    REG(PLIC + 0x200004) = source;
}

int pin_count_edges(uint32_t pin) {
    uint32_t source = SIFIVE_IRQ + pin;
    set_bits(SIFIVE + SIFIVE_RISE + 4, 0, 1u << pin);
    set_bits(SIFIVE + SIFIVE_FALL + 4, 0, 1u << pin);
    set_bits(SIFIVE + SIFIVE_RISE, 0, 1u << pin);
    set_bits(SIFIVE + SIFIVE_FALL, 0, 1u << pin);
    REG(PLIC + 4 * source) = 1;
    REG(PLIC + 0x2000 + source / 32 * 4) |= 1u << source % 32;
    REG(PLIC + 0x200000) = 0;
    __asm__ volatile("csrw mtvec, %0\n csrw mie, %1\n csrsi mstatus, 8" ::"r"(on_interrupt), "r"(0x800));
    return 1;
}
#elif defined __ARM_ARCH_7M__ || defined __ARM_ARCH_7EM__
#define CMSDK_UART4 0x40009000

static uint32_t table[128] __attribute__((aligned(512)));

static void on_interrupt(void) {
    if (IS_SHIM) {
        uint32_t before = shim_state()->edges;
        REG(CMSDK_UART4 + 0x0c) = 2;
        shim_receive();
        pin_edges += shim_state()->edges - before;
        return;
    }
    if (IS_ASPEED)
        for (uint32_t pin = 0; pin < 64; pin += 32) REG(ASPEED(pin) + ASPEED_STATUS) = UINT32_MAX;
    if (IS_STM32L4) REG(EXTI + 0x14) = 0xffff;
    if (IS_PL061)
        for (uint32_t pin = 0; pin < 56; pin += 8) REG(pl061_of(pin) + PL061_CLEAR) = 0xff;
    pin_edges++;
}

static uint32_t irq_of(uint32_t pin) {
    static const uint8_t ports[] = {0, 1, 2, 3, 4, 30, 31};
    if (IS_PL061) return ports[pin / 8 % 7];
    if (IS_ASPEED) return 11;
    if (IS_SHIM) return 20;
    return pin % 16 < 5 ? 6 + pin % 16 : pin % 16 < 10 ? 23 : 40;
}

int pin_count_edges(uint32_t pin) {
    for (uint32_t at = 0; at < 16; at++) table[at] = REG(4 * at + (IS_STM32L4 ? 0x08000000 : 0));
    for (uint32_t at = 16; at < 128; at++) table[at] = (uint32_t)on_interrupt;
    REG(VTOR) = (uint32_t)table;
    if (IS_PL061) {
        set_bits(pl061_of(pin) + PL061_BOTH, 0, 1u << pin % 8);
        REG(pl061_of(pin) + PL061_CLEAR) = 0xff;
        set_bits(pl061_of(pin) + PL061_MASK, 0, 1u << pin % 8);
    }
    if (IS_STM32L4) {
        uint32_t line = pin % 16;
        REG(0x40021060) |= 1;
        set_bits(SYSCFG + 8 + line / 4 * 4, 15u << line % 4 * 4, pin / 16 << line % 4 * 4);
        set_bits(EXTI + 0x08, 0, 1u << line);
        set_bits(EXTI + 0x0c, 0, 1u << line);
        set_bits(EXTI, 0, 1u << line);
    }
    if (IS_ASPEED) {
        set_bits(ASPEED(pin) + ASPEED_BOTH, 0, 1u << pin % 32);
        set_bits(ASPEED(pin) + ASPEED_ENABLE, 0, 1u << pin % 32);
    }
    if (IS_SHIM) {
        shim_state()->has_handler = 1;
        set_bits(CMSDK_UART4 + 0x08, 0, 1u << 3);
        /* What came before has no interrupt. */
        shim_receive();
    }
    uint32_t irq = irq_of(pin);
    REG(NVIC_ENABLE + irq / 32 * 4) = 1u << irq % 32;
    return 1;
}
#else
int pin_count_edges(uint32_t pin) { return pin == UINT32_MAX; }
#endif

static char last;

static uint32_t get_number(void) {
    uint32_t value = 0;
    while (last == ' ') last = get_char();
    for (; last >= '0' && last <= '9'; last = get_char()) value = 10 * value + (uint32_t)(last - '0');
    return value;
}

static void tell(char letter, uint32_t value) {
    put_char(letter);
    put_char(' ');
    put_number(value);
    put_char('\n');
}

static void wait(uint32_t turns) {
    for (volatile uint32_t turn = 0; turn < turns; turn++) {
    }
}

static void toggle(uint32_t pin, uint32_t times, uint32_t pause) {
    for (uint32_t at = 0; at < times; at++) {
        pin_write(pin, !(at & 1));
        wait(pause);
    }
}

static void mirror(uint32_t from, uint32_t to) {
    while (uart_read(0) < 0) pin_write(to, pin_read(from));
}

/* A press counts once the level has been the same for a while. */
static void debounce(uint32_t pin) {
    uint32_t presses = 0;
    uint32_t same = 0;
    int stable = 1;
    int seen = 1;
    while (uart_read(0) < 0) {
        int level = pin_read(pin);
        same = level == seen ? same + 1 : 0;
        seen = level;
        if (same < STABLE_READS || level == stable) continue;
        stable = level;
        if (!level) tell('p', ++presses);
    }
}

static void perform(char command) {
    uint32_t first = get_number();
    uint32_t second = get_number();
    uint32_t third = get_number();
    if (command == 'o' || command == 'i') pin_direction(first, command == 'o');
    if (command == 'w') pin_write(first, (int)second);
    if (command == 'r') return tell('r', (uint32_t)pin_read(first));
    if (command == 't' || command == 'k') toggle(first, second, third);
    if (command == 'm' || command == 'd') tell(command, 1);
    if (command == 'm') return mirror(first, second);
    if (command == 'd') return debounce(first);
    if (command == 'c') return tell('c', pin_edges);
    if (command == 'x') reset_board();
    tell(command, command == 'e' ? (uint32_t)pin_count_edges(first) : 1);
}

int main(void) {
    put_text("pins\n");
    for (;;) {
        char command = get_char();
        if (command <= ' ') continue;
        last = get_char();
        perform(command);
    }
}
