/* The semihosting call of each CPU. */
#pragma once
#include <stdint.h>

static inline uintptr_t semihosting(uintptr_t operation, const volatile void *block) {
#if defined __riscv
    register uintptr_t result __asm__("a0") = operation;
    register const volatile void *argument __asm__("a1") = block;
    /* Recognised by the two no-operations around it; they must be uncompressed and on one page. */
    __asm__ volatile(
        ".option push\n .option norvc\n .balign 16\n slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n .option pop"
        : "+r"(result)
        : "r"(argument)
        : "memory");
#elif defined __aarch64__
    register uintptr_t result __asm__("x0") = operation;
    register const volatile void *argument __asm__("x1") = block;
    __asm__ volatile("hlt #0xf000" : "+r"(result) : "r"(argument) : "memory");
#elif defined __thumb__
    register uintptr_t result __asm__("r0") = operation;
    register const volatile void *argument __asm__("r1") = block;
    __asm__ volatile("bkpt #0xab" : "+r"(result) : "r"(argument) : "memory");
#else
    register uintptr_t result __asm__("r0") = operation;
    register const volatile void *argument __asm__("r1") = block;
    __asm__ volatile("svc #0x123456" : "+r"(result) : "r"(argument) : "memory", "lr");
#endif
    return result;
}

enum { SYS_EXIT_EXTENDED = 0x20 };

static inline void semihosting_exit(int code) {
    const volatile uintptr_t block[2] = {0x20026, (uintptr_t)code};
    semihosting(SYS_EXIT_EXTENDED, block);
}
