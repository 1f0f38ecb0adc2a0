import { expect, test } from "vitest";
import { formatListenAddress, listenAddress, urlOf } from "../../src/http/listen-address.ts";

test.each([
  ["unix:/run/emufarm/a.sock", { kind: "unix", path: "/run/emufarm/a.sock" }],
  ["tcp:127.0.0.1:8080", { kind: "tcp", host: "127.0.0.1", port: 8080 }],
  ["tcp:localhost:0", { kind: "tcp", host: "localhost", port: 0 }],
  ["tcp:[::1]:80", { kind: "tcp", host: "::1", port: 80 }],
])("%s is read and written", (text, address) => {
  expect(listenAddress.parse(text)).toEqual(address);
  expect(formatListenAddress(listenAddress.parse(text))).toBe(text);
});

test.each(["", "unix:relative", "tcp:localhost", "tcp:localhost:70000", "127.0.0.1:80", "tcp:a:b:1"])(
  "%j is refused",
  (text) => {
    expect(listenAddress.safeParse(text).success).toBe(false);
  },
);

test("an address of IPv6 has brackets in its URL", () => {
  expect(urlOf({ kind: "tcp", host: "::1", port: 80 })).toBe("http://[::1]:80");
});
