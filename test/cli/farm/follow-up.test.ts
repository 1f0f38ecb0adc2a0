import { describe, expect, it } from "vitest";
import { followUp, sameAgain, upCommand } from "../../../src/cli/farm/follow-up.ts";

const ENV = { EMUFARM_DATA: "/srv/my farm", EMUFARM_URL: "http://farm:7733", EMUFARM_TOKEN_FILE: "t" };
const PLUG_IN = { EMUFARM_KUBECTL_PLUGIN: "1", EMUFARM_DATA: "/srv" };

describe("a command that is printed", () => {
  it.each([
    ["as it is where nothing was said", {}, {}, "emufarm logs r1"],
    ["with the folder that was given", {}, { data: "my farm" }, "emufarm logs r1 --data 'my farm'"],
    [
      "with the farm and the token that were given",
      {},
      { farm: "http://a:1", tokenFile: "token" },
      "emufarm logs r1 --farm http://a:1 --token-file token",
    ],
    [
      "with what the environment says",
      ENV,
      {},
      "emufarm logs r1 --farm http://farm:7733 --token-file t --data '/srv/my farm'",
    ],
    ["with an option rather than the environment", { EMUFARM_DATA: "/b" }, { data: "/a" }, "emufarm logs r1 --data /a"],
    [
      "with the cluster that was named, whatever else the environment says",
      ENV,
      { context: "c", namespace: "lab", kubeconfig: "my config" },
      "emufarm logs r1 --kubeconfig 'my config' --context c --namespace lab --token-file t",
    ],
    [
      "with the farm that was named beside a cluster",
      {},
      { farm: "http://a:1", context: "c" },
      "emufarm logs r1 --farm http://a:1",
    ],
    ["as kubectl's plug-in where kubectl has called", PLUG_IN, {}, "kubectl emufarm logs r1"],
    ["as it is where the environment is empty", { EMUFARM_DATA: "" }, {}, "emufarm logs r1"],
  ])("is %s", (_what, env, options, expected) => {
    expect(followUp({ env }, options, ["logs", "r1"])).toBe(expected);
  });

  it("starts the farm of the folder that this call looked in", () => {
    expect(upCommand({ env: ENV }, {})).toBe("emufarm up --data '/srv/my farm'");
    expect(upCommand({ env: {} }, { farm: "http://a:1", data: "d" })).toBe("emufarm up --data d");
    expect(upCommand({ env: {} }, {})).toBe("emufarm up");
  });

  it("runs the same again on the same cluster", () => {
    const args = ["run", "board", "image", "-n", "lab"];
    const env = { EMUFARM_DATA: "/b", EMUFARM_TOKEN_FILE: "t" };
    expect(sameAgain({ env, args }, { namespace: "lab" })).toBe("emufarm run --token-file t board image -n lab");
  });

  it("runs the same again, with what only the environment said", () => {
    const args = ["run", "--data", "d", "--", "board", "an image"];
    const env = { EMUFARM_DATA: "/b", EMUFARM_URL: "http://farm:7733" };
    expect(sameAgain({ env, args }, { data: "d" })).toBe(
      "emufarm run --farm http://farm:7733 --data d -- board 'an image'",
    );
  });
});
