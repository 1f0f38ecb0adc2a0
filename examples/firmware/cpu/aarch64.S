// Every core starts here, at whichever exception level the machine has; the first one goes on.
    .section .start, "ax"
    .globl _start
_start:
    mrs x0, mpidr_el1
    and x0, x0, #0xff
    cbnz x0, park
    adr x1, vectors
    mrs x0, CurrentEL
    cmp x0, #8
    b.eq at_el2
    b.hi at_el3
    msr vbar_el1, x1
    b started
at_el2:
    msr vbar_el2, x1
    b started
at_el3:
    msr vbar_el3, x1
started:
    ldr x0, =stack_top
    mov sp, x0
    bl memory_start
    bl kit_start
park:
    wfi
    b park

    .text
    .balign 2048
vectors:
    .rept 16
    b fatal_exception
    .balign 128
    .endr

    .globl crash
crash:
    udf #0
    ret
