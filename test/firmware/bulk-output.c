/* 4 MiB of numbered lines, as fast as the UART takes them: for measurements. */
#include "numbered-lines.h"

int main(void) {
    put_numbered_lines(4 * 1024 * 1024 / 64);
    return 0;
}
