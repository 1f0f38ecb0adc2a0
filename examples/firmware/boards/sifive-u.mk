cpu := riscv
flags := -march=rv64imac_zicsr -mabi=lp64
uart := sifive
uarts := 0x10010000,0x10011000
end := sifive-u
rom := 0x80000000 0x100000
ram :=
