/* Colours, cursor movements, a title, an unfinished sequence: what a log viewer must bear. */
#include "kit.h"

int main(void) {
    put_text("\033[2J\033[H\033[1;31mred\033[0m plain \033[38;5;208morange\033[0m\n");
    put_text("\033]0;a title\007title set\n");
    put_text("progress 10%\rprogress 100%\n");
    put_text("<script>alert(1)</script> & \"quotes\" ]]>\n");
    put_text("unfinished \033[");
    return 0;
}
