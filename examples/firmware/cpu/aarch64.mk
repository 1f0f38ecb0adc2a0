cross := aarch64-linux-gnu-
arch := -ffile-prefix-map=$(CURDIR)=. -mgeneral-regs-only -mstrict-align -fno-pic -mno-outline-atomics
libraries :=
