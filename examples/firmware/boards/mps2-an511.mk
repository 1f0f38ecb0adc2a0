cpu := cortex-m
flags := -mcpu=cortex-m3
uart := cmsdk
uarts := 0x40004000,0x40005000,0x4002c000,0x4002d000,0x4002e000
end := semihosting
rom := 0x00000000 0x40000
ram := 0x20000000 0x20000
