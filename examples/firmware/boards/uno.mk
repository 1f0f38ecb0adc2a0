cpu := avr
flags := -mmcu=atmega328p
uart := avr
uarts := 0xc0
end := none
