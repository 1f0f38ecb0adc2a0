cpu := cortex-m
# The first of its two processors has neither the DSP extension nor a floating-point unit.
flags := -mcpu=cortex-m33+nodsp+nofp
uart := cmsdk
uarts := 0x50200000,0x50201000,0x50202000,0x50203000,0x50204000
end := semihosting
rom := 0x10000000 0x400000
ram := 0x38000000 0x200000
