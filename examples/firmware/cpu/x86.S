# Entered by the PVH protocol: 32-bit protected mode, flat segments, no paging.
    .section .note.pvh, "a", @note
    .long 4, 4, 18
    .asciz "Xen"
    .long _start

    .section .start, "ax"
    .globl _start
_start:
    mov $stack_top, %esp
    call memory_start
    call kit_start

    .text
    .globl crash
# Without an interrupt table the fault becomes a triple fault, which resets a PC.
crash:
    lidt no_table
    ud2

    .section .rodata
no_table:
    .word 0
    .long 0

    .section .note.GNU-stack, "", @progbits
