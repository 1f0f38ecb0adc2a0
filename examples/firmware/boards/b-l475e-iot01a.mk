cpu := cortex-m
flags := -mcpu=cortex-m4
uart := stm32l4
uarts := 0x40013800,0x40004400,0x40004800
end := semihosting
rom := 0x08000000 0x100000
ram := 0x20000000 0x18000
