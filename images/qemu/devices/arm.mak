# Machines of the boards in manifests/boards that qemu-system-arm emulates.
CONFIG_B_L475E_IOT01A=y
CONFIG_MICROBIT=y
CONFIG_MPS2=y
CONFIG_NETDUINOPLUS2=y
CONFIG_OLIMEX_STM32_H405=y
CONFIG_RASPI=y
CONFIG_STELLARIS=y
CONFIG_STM32VLDISCOVERY=y
# What these machines need and do not select.
CONFIG_OR_IRQ=y
CONFIG_PL031=y
CONFIG_STM32F2XX_ADC=y
CONFIG_STM32F2XX_TIMER=y
CONFIG_UNIMP=y
# What boards name on the command line: images at addresses, a network, storage and input for the Raspberry Pi.
CONFIG_GENERIC_LOADER=y
CONFIG_USB_NETWORK=y
CONFIG_USB_STORAGE_BOT=y
CONFIG_USB_STORAGE_CLASSIC=y
CONFIG_USB_HID=y
CONFIG_USB_HUB=y
CONFIG_USB_SERIAL=y
