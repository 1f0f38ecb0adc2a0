/* Text whose characters come byte by byte, 20 ms apart; then bytes that are no UTF-8. */
#include "kit.h"
#include "systick.h"

int main(void) {
    const char *text = "Gr\303\274\303\237e \342\202\254 \360\237\230\200 fertig\n";
    while (*text) {
        put_char(*text);
        if (*text++ & 0x80) sleep_ms(20);
    }
    put_text("broken \303( \377\376 end\n");
    return 0;
}
