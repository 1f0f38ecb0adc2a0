# Machines of the boards in manifests/boards that qemu-system-avr emulates.
CONFIG_ARDUINO=y
CONFIG_GENERIC_LOADER=y
