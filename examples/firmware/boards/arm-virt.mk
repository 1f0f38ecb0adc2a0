cpu := aarch64
flags := -mcpu=cortex-a57
uart := pl011
uarts := 0x09000000
end := psci
rom := 0x40200000 0x100000
ram :=
