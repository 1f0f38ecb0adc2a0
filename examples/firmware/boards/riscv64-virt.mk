cpu := riscv
flags := -march=rv64imac_zicsr -mabi=lp64
uart := 16550
uarts := 0x10000000
end := finisher
rom := 0x80000000 0x100000
ram :=
