# No board of manifests/boards is an Xtensa yet; these are the machines that stock QEMU has for one.
CONFIG_XTENSA_SIM=y
CONFIG_XTENSA_XTFPGA=y
CONFIG_GENERIC_LOADER=y
CONFIG_SEMIHOSTING=y
