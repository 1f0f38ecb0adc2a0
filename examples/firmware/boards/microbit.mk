cpu := cortex-m
flags := -mcpu=cortex-m0
uart := nrf51
uarts := 0x40002000
end := semihosting
rom := 0x00000000 0x40000
ram := 0x20000000 0x4000
