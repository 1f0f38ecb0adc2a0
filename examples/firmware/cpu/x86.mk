cross := x86_64-linux-gnu-
arch := -ffile-prefix-map=$(CURDIR)=. -m32 -march=i686 -mno-sse -mno-mmx -mno-80387 -fno-pic -no-pie -fcf-protection=none
libraries :=
