"""A test of pytest-embedded, as for a board on a desk."""


def test_shell_answers(dut):
    dut.write("echo hello from pytest")
    dut.expect("hello from pytest", timeout=10)
    dut.write("echo twice")
    dut.expect(r"tw(i)ce", timeout=10)
