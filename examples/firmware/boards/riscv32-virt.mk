cpu := riscv
flags := -march=rv32imac_zicsr -mabi=ilp32
uart := 16550
uarts := 0x10000000
end := finisher
rom := 0x80000000 0x100000
ram :=
