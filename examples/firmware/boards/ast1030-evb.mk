cpu := cortex-m
flags := -mcpu=cortex-m4 -DUART_STRIDE=4
uart := 16550
uarts := 0x7e784000,0x7e783000
end := semihosting
rom := 0x00000000 0xc0000
