import { expect, test } from "vitest";
import { createAddressRules, isNetwork } from "../../../src/api/firmware/address-rules.ts";

test.each([
  "127.0.0.1",
  "127.8.8.8",
  "0.0.0.0",
  "10.96.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "100.100.100.200",
  "224.0.0.1",
  "255.255.255.255",
  "::1",
  "::",
  "::ffff:169.254.169.254",
  "::ffff:a00:1",
  "64:ff9b::a9fe:a9fe",
  "2002:a9fe:a9fe::1",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%eth0",
  "ff02::1",
])("%s is refused", (address) => {
  expect(createAddressRules().refusalOf(address)).toContain("is for");
});

test.each(["1.1.1.1", "140.82.112.3", "172.32.0.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])(
  "%s is open",
  (address) => {
    expect(createAddressRules().refusalOf(address)).toBeUndefined();
  },
);

test("what is listed is open, and what is denied is not", () => {
  const rules = createAddressRules(["10.1.0.0/16", "fd00::/8", "Files.Lab.Example"], ["203.0.114.0/24"]);
  expect(rules.refusalOf("10.1.2.3")).toBeUndefined();
  expect(rules.refusalOf("10.2.2.3")).toBe("10.2.2.3 is for a private network");
  expect(rules.refusalOf("fd12::1")).toBeUndefined();
  expect(rules.refusalOf("203.0.114.9")).toContain("settings");
  expect(rules.isListed("files.lab.example")).toBe(true);
  expect(rules.isListed("lab.example")).toBe(false);
});

test.each([
  ["10.0.0.0/8", true],
  ["10.0.0.0", true],
  ["fd00::/8", true],
  ["10.0.0.0/33", false],
  ["10.0.0.0/8/8", false],
  ["lab.example", false],
])("%s is a network: %s", (text, isOne) => {
  expect(isNetwork(text)).toBe(isOne);
});
