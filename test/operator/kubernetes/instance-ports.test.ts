import { expect, test } from "vitest";
import { channelPorts, servicePorts } from "../../../src/operator/kubernetes/instance-ports.ts";

const board = {
  uarts: [
    { name: "uart0", index: 0 },
    { name: "aux", index: 1 },
  ],
  semihosting: true,
};
const tcp = (name: string) => ({ name, tcp: true });

test("each channel has a port of its own, UARTs by their place, with RFC 2217 beside them", () => {
  const channels = [tcp("aux"), tcp("uart0"), tcp("uart0-rfc2217"), tcp("aux-rfc2217"), tcp("semihosting"), tcp("gdb")];
  expect(channelPorts(board, channels)).toEqual([
    { name: "aux", port: 5_001 },
    { name: "uart0", port: 5_000 },
    { name: "uart0-rfc2217", port: 5_500 },
    { name: "aux-rfc2217", port: 5_501 },
    { name: "semihosting", port: 5_016 },
    { name: "gdb", port: 5_300 },
  ]);
});

test("a channel that the board does not have, or that asks for no port, gets none; the API has one always", () => {
  const channels = [tcp("uart7"), tcp("uart7-rfc2217"), tcp("semihosting-rfc2217"), { name: "uart0", tcp: false }];
  expect(servicePorts(board, channels).map(({ name }) => name)).toEqual(["http"]);
});
