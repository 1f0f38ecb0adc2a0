# Every hart starts here; the first one goes on.
    .section .start, "ax"
    .globl _start
_start:
    csrr t0, mhartid
    bnez t0, park
    la t0, fatal
    csrw mtvec, t0
    la sp, stack_top
    call memory_start
    call kit_start
park:
    wfi
    j park

    .text
    .balign 4
fatal:
    la sp, stack_top
    j fatal_exception

    .globl crash
crash:
    .word 0
    ret
