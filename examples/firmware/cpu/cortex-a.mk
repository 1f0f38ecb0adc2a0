cross := arm-none-eabi-
arch := -ffile-prefix-map=$(CURDIR)=. -marm -mfloat-abi=soft -mno-unaligned-access
libraries := -lgcc
