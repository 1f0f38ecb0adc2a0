//! The smallest firmware for a PC: says a word on its serial port and ends with an exit code.
#![no_std]
#![no_main]

use core::arch::{asm, global_asm};
use core::panic::PanicInfo;

global_asm!(include_str!("boot.s"), options(att_syntax));

const COM1: u16 = 0x3f8;
const DEBUG_EXIT: u16 = 0xf4;

fn write_port(port: u16, value: u8) {
    // SAFETY: both ports are those of devices that take any byte.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value) };
}

fn say(text: &str) {
    text.bytes().for_each(|byte| write_port(COM1, byte));
}

fn end(code: u8) -> ! {
    write_port(DEBUG_EXIT, code);
    loop {}
}

#[no_mangle]
extern "C" fn main() -> ! {
    say("hello from cargo run\n");
    end(if cfg!(feature = "fail") { 3 } else { 0 })
}

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {
    say("panicked\n");
    end(101)
}
