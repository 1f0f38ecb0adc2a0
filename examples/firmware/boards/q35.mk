cpu := x86
flags :=
uart := 16550
uarts := 0x3f8,0x2f8
end := pc
rom := 0x00100000 0x100000
ram :=
