/* Resets as soon as it has started, for ever. */
#include "kit.h"

int main(void) {
    reset_board();
    return 0;
}
