/* 20 MiB of numbered lines, as fast as the UART takes them. */
#include "numbered-lines.h"

int main(void) {
    put_numbered_lines(20 * 1024 * 1024 / 64);
    return 0;
}
