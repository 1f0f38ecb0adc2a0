"""Talks to the shell of the examples by pyserial, as any script does: use_port.py URL [rfc2217]"""

import sys
import time

import serial

url = sys.argv[1]
is_rfc2217 = len(sys.argv) > 2
port = serial.serial_for_url(url, baudrate=57600, timeout=10)


def ask(text, answer):
    port.write(f"echo {text}\n".encode())
    seen = port.read_until(answer.encode())
    assert seen.endswith(answer.encode()), seen


# The echo of what is typed comes first, the shell's answer after it.
ask("one", "one\r\none" if port.timeout is None else "one")
if is_rfc2217:
    port.baudrate = 921600
    port.bytesize, port.parity, port.stopbits = serial.SEVENBITS, serial.PARITY_EVEN, serial.STOPBITS_TWO
    port.rtscts = True
    port.rtscts = False
    assert (port.cts, port.dsr, port.cd, port.ri) == (True, True, True, False)
    port.reset_input_buffer()
    port.reset_output_buffer()
    ask("two", "two")
    # As flashing tools reset a board: RTS holds it, and lets it go.
    port.dtr = False
    port.rts = True
    time.sleep(0.1)
    port.reset_input_buffer()
    port.rts = False
    banner = port.read_until(b"> ")
    assert b"emufarm shell" in banner, banner
    port.send_break(0.01)
    ask("three", "three")
port.close()
print("done")
