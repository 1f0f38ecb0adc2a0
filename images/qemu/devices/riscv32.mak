# Machines of the boards in manifests/boards that qemu-system-riscv32 emulates.
CONFIG_RISCV_VIRT=y
CONFIG_SIFIVE_E=y
# What boards name on the command line: images at addresses, devices for Linux guests.
CONFIG_GENERIC_LOADER=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_NET=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_RNG=y
CONFIG_VIRTIO_SERIAL=y
