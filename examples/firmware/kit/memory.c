#include "memory.h"

void memory_start(void) {
    extern char data_start[], data_end[], data_load[], bss_start[], bss_end[];
    volatile char *from = data_load;
    if (&data_load[0] != &data_start[0]) {
        for (volatile char *to = data_start; to < data_end;) *to++ = *from++;
    }
    for (volatile char *to = bss_start; to < bss_end;) *to++ = 0;
}
