import { expect, it } from "vitest";
import { kvmAdvice } from "../../../src/cli/command/doctor-machine.ts";

const GROUPS = "root:x:0:\nvideo:x:44:\nkvm:x:104:ann\n";

it.each([
  ["a group that has it", { gid: 104, mode: 0o20660 }, GROUPS, "join the group kvm"],
  ["a group without a name", { gid: 993, mode: 0o20660 }, GROUPS, "join the group 993"],
  ["root alone", { gid: 0, mode: 0o20660 }, GROUPS, "open it to a group and join that: sudo chgrp kvm /dev/kvm; "],
  ["no group", { gid: 104, mode: 0o20600 }, GROUPS, "open it to a group and join that: sudo chgrp kvm /dev/kvm; "],
  [
    "root, where no group is named kvm",
    { gid: 0, mode: 0o20600 },
    "root:x:0:\n",
    "sudo groupadd --system kvm; sudo chgrp",
  ],
])("/dev/kvm that is open to %s is told with what helps", (_whom, device, groups, advice) => {
  expect(kvmAdvice(device, groups)).toContain(advice);
});
