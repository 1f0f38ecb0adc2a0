/* What the start-up code of a CPU calls, in this order. */
#pragma once

/* Copies initialised data from ROM and clears the rest. */
void memory_start(void);
/* Opens the UARTs, runs main and ends with what it returns. */
_Noreturn void kit_start(void);
