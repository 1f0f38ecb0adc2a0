cpu := riscv
flags := -march=rv32imac_zicsr -mabi=ilp32
uart := sifive
uarts := 0x10013000,0x10023000
end := semihosting
rom := 0x20400000 0x100000
ram := 0x80000000 0x4000
