cpu := cortex-m
flags := -mcpu=cortex-m4
uart := cmsdk
uarts := 0x40004000,0x40005000,0x40006000,0x40007000,0x40009000
end := semihosting
rom := 0x00000000 0x400000
ram := 0x20000000 0x400000
