cpu := cortex-m
flags := -mcpu=cortex-m3
uart := stm32
uarts := 0x40013800,0x40004400,0x40004800
end := semihosting
rom := 0x08000000 0x20000
ram := 0x20000000 0x2000
