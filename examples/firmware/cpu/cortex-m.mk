cross := arm-none-eabi-
arch := -ffile-prefix-map=$(CURDIR)=. -mthumb -mfloat-abi=soft
libraries := -lgcc
