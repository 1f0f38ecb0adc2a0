cpu := cortex-a
flags := -mcpu=cortex-a7
uart := bcm2835
uarts := 0x3f201000,0x3f215000
end := bcm2835
rom := 0x00010000 0x100000
ram :=
