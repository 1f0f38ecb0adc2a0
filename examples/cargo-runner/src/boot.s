# Entered in 32-bit protected mode. Maps the first GiB one to one, enters long mode, calls main.
    .section .note.pvh, "a", @note
    .long 4, 4, 18
    .asciz "Xen"
    .long _start

    .section .start, "ax"
    .code32
    .globl _start
_start:
    movl $stack_top, %esp
    movl $page_directory, %edi
    movl $0x83, %eax
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    cmpl $page_directory_end, %edi
    jne 1b
    movl $page_directory + 3, page_directories
    movl $page_directories + 3, page_map
    movl $page_map, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x620, %eax # PAE, and SSE, which compilers take for granted
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax # long mode
    wrmsr
    movl %cr0, %eax
    andl $~0x4, %eax
    orl $0x80000003, %eax
    movl %eax, %cr0
    lgdt descriptors_pointer
    ljmp $8, $2f
    .code64
2:  call main

    .section .data.boot, "aw"
    .balign 8
descriptors:
    .quad 0
    .quad 0x00209a0000000000
descriptors_pointer:
    .word 15
    .long descriptors

    .section .bss.boot, "aw", @nobits
    .balign 4096
page_map:
    .skip 4096
page_directories:
    .skip 4096
page_directory:
    .skip 4096
page_directory_end:
    .skip 16384
stack_top:
