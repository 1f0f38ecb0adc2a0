cpu := aarch64
flags := -mcpu=cortex-a53
uart := bcm2835
uarts := 0x3f201000,0x3f215000
end := bcm2835
rom := 0x00080000 0x100000
ram :=
