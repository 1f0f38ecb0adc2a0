cpu := cortex-m
flags := -mcpu=cortex-m4
uart := stm32
uarts := 0x40011000,0x40004400,0x40004800,0x40004c00,0x40005000,0x40011400
end := semihosting
rom := 0x08000000 0x100000
ram := 0x20000000 0x20000
