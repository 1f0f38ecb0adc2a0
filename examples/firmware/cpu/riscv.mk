cross := riscv64-unknown-elf-
arch := -ffile-prefix-map=$(CURDIR)=. -mcmodel=medany -msmall-data-limit=0
libraries := -lgcc
