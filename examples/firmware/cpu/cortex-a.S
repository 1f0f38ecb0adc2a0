@ Every core of an ELF starts here; the first one goes on.
    .arm
    .section .start, "ax"
    .globl _start
_start:
    mrc p15, 0, r0, c0, c0, 5
    ands r0, r0, #3
    bne park
    ldr r0, =vectors
    mcr p15, 0, r0, c12, c0, 0
    ldr sp, =stack_top
    bl memory_start
    bl kit_start
park:
    wfi
    b park

    .text
    .balign 32
vectors:
    .rept 8
    b fatal
    .endr
fatal:
    ldr sp, =stack_top
    b fatal_exception

    .globl crash
    .type crash, %function
crash:
    udf #0
    bx lr
