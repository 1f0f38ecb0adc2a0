cross := avr-
arch :=
libraries := -lgcc
