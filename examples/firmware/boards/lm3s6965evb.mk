cpu := cortex-m
flags := -mcpu=cortex-m3
uart := pl011
uarts := 0x4000c000,0x4000d000,0x4000e000
end := semihosting
rom := 0x00000000 0x40000
ram := 0x20000000 0x10000
