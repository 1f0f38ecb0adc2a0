cpu := cortex-m
flags := -mcpu=cortex-m55
uart := cmsdk
uarts := 0x59303000,0x59304000,0x59305000,0x59306000,0x59307000,0x59308000
end := semihosting
rom := 0x00000000 0x80000
ram := 0x30000000 0x80000
