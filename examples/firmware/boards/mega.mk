cpu := avr
flags := -mmcu=atmega1280
uart := avr
uarts := 0xc0,0xc8,0xd0,0x130
end := none
