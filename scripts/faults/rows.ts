/** What the farm has to bear, and which tests show that it does. */

/** Tests of one file, by a pattern of their names as vitest tells them: those of their suites, then their own. */
export interface ShownBy {
  readonly file: string;
  readonly name: RegExp;
}

export interface FaultRow {
  readonly fault: string;
  /** What the tests hold it to, as a person sees it. */
  readonly asserted: string;
  readonly tests: readonly ShownBy[];
}

export interface FaultTable {
  readonly title: string;
  readonly rows: readonly FaultRow[];
}

const on = (file: string, name: RegExp): ShownBy => ({ file, name });
const boards = (name: RegExp) => on("test/cluster/faults/boards.cluster.test.ts", name);
const parts = (name: RegExp) => on("test/cluster/faults/parts.cluster.test.ts", name);
const refusals = (name: RegExp) => on("test/cluster/faults/refusals.cluster.test.ts", name);
const machines = (name: RegExp) => on("test/cluster/faults/machines.cluster.test.ts", name);
const drain = (name: RegExp) => on("test/cluster/faults/drain.cluster.test.ts", name);
const lab = (name: RegExp) => on("test/operator/faults.system.test.ts", name);
const killed = (name: RegExp) => on("test/operator/operator-killed.system.test.ts", name);
const onCluster = (name: RegExp) => on("test/cluster/faults/operator-killed.cluster.test.ts", name);
const reflector = (name: RegExp) => on("test/kube/reflector.test.ts", name);
const kubeClient = (name: RegExp) => on("test/kube/kube-client.test.ts", name);
const web = (name: RegExp) => on("test/api/firmware/web-source.test.ts", name);

/** Words of the table, with what they stand for. */
export const WORDS = {
  untouched:
    "no number is missing on the guest's UART, in the same pod; the object has the same condition, and its next spec is served; the job's attempt 1 passes",
  elsewhere:
    "the guest begins anew; the object keeps name, address and digest, `lastExit` has reason and time, and never are two of its pods Ready; the job passes as the next attempt",
  told: "Ready is False, in the words of the system; no second pod, few requests; Ready by itself once it is over",
  "runs on":
    "Ready is False, with reason and message; what runs, runs on in the same pod; Ready with the next right spec",
} as const;

const PARTS: FaultTable = {
  title: "Parts of the farm",
  rows: [
    { fault: "operator killed", asserted: "untouched", tests: [parts(/when the operator that leads is killed/)] },
    {
      fault: "operator frozen until another leads, then continued",
      asserted: "untouched; it does not lead, the other's term goes on",
      tests: [
        // Long names are cut short by vitest.
        parts(/that leads is frozen until/),
        on("test/kube/kube.system.test.ts", /one is frozen while the other/),
      ],
    },
    {
      fault: "operator frozen for 60 s, then continued",
      asserted: "untouched; it does not lead, the other's term goes on",
      tests: [parts(/that leads is frozen for 6/)],
    },
    {
      fault: "both replicas of the operator up",
      asserted: "one says that it leads, before and after all that happens to them",
      tests: [parts(/have one operator that leads/)],
    },
    {
      fault: "operator killed before and after each write of a create",
      asserted: "one pod, one identity, one Service",
      tests: [killed(/of a create/), onCluster(/of a create is/)],
    },
    {
      fault: "operator killed before and after each write of a change of firmware",
      asserted: "the same pod, with the new firmware",
      tests: [killed(/of a change of firmware/), onCluster(/of a change is/)],
    },
    {
      fault: "operator killed before and after each write of a delete",
      asserted: "nothing is left",
      tests: [killed(/of a delete/), onCluster(/of a (create|change) is/)],
    },
    {
      fault: "leader loses its lease while an agent hangs",
      asserted: "it stops at once; what was asked for is done by the next one, in the same pod",
      tests: [lab(/loses its lease while an agent hangs/)],
    },
    {
      fault: "API server killed, frozen for 30 s",
      asserted: "untouched",
      tests: [parts(/when the API server is (killed|frozen)/)],
    },
    {
      fault: "API server away for 60 s",
      asserted: "same emulator, same pod; what is asked for after is done",
      tests: [lab(/is away for 60 s/)],
    },
    {
      fault: "API server answers 410, 429 with Retry-After, 500, resets, half-open watches",
      asserted: "no change is missed, pauses as asked for",
      tests: [
        reflector(/nothing is missed when the server|goes on when the answer is|compacted away|gone silent|left alone/),
        reflector(/watches that may have died/),
        kubeClient(/says how long to wait|pages expire/),
      ],
    },
    {
      fault: "API and dispatcher killed",
      asserted: "untouched",
      tests: [parts(/API and dispatcher are killed/), on("test/faults/dispatcher-killed.system.test.ts", /./)],
    },
    {
      fault: "everything upgraded, and taken back",
      asserted: "not one emulator starts again; the job is carried out by attempt 1",
      tests: [on("test/chart/upgrade.cluster.test.ts", /./)],
    },
    { fault: "Redis killed", asserted: "untouched", tests: [parts(/when Redis is killed/)] },
    { fault: "Redis emptied", asserted: "untouched", tests: [parts(/Redis loses its pod/)] },
  ],
};

const BOARDS: FaultTable = {
  title: "Boards and nodes",
  rows: [
    {
      fault: "emulator killed",
      asserted: "guest by `restartPolicy`; object: `restarts`, reason, signal, last lines; job: tried again",
      tests: [boards(/emulator is killed/)],
    },
    {
      fault: "guest crashes",
      asserted: "object: Failed, GuestCrashed; job: `failed`, one attempt",
      tests: [boards(/whose guest crashes/)],
    },
    {
      fault: "agent killed, pod deleted, pod evicted, out of memory",
      asserted: "elsewhere",
      tests: [boards(/its agent is killed|its pod is (deleted|evicted|out of memory)/)],
    },
    {
      fault: "node killed",
      asserted: "elsewhere",
      tests: [machines(/loses its power/)],
    },
    {
      fault: "node partitioned, and healed",
      asserted: "elsewhere; what ran on there unseen ends",
      tests: [machines(/is cut off/)],
    },
    {
      fault: "node drained, with budgets",
      asserted: "elsewhere; agents of the pool go one at a time",
      tests: [drain(/as it is drained/)],
    },
    {
      fault: "200 dispatches while 8 agents become 1",
      asserted: "none is cut",
      tests: [on("test/operator/pool-scale.system.test.ts", /200 dispatches/)],
    },
    {
      fault: "namespace deleted",
      asserted: "it goes, and the operator goes on",
      tests: [refusals(/in a namespace that is deleted/)],
    },
  ],
};

const REFUSED: FaultTable = {
  title: "What cannot be",
  rows: [
    { fault: "no node fits", asserted: "told", tests: [refusals(/because no node takes it/), refusals(/in a hurry/)] },
    { fault: "taint", asserted: "told", tests: [refusals(/because a taint/)] },
    {
      fault: "taint on all nodes, pool",
      asserted: "the pool says so in the scheduler's words; its job waits, and runs when it is over",
      tests: [drain(/as all are tainted/)],
    },
    { fault: "quota exceeded", asserted: "told", tests: [refusals(/the quota is used up/)] },
    { fault: "refused by Pod Security", asserted: "told", tests: [lab(/Pod Security refuses/)] },
    {
      fault: "image missing",
      asserted: "the node's reason and the image's name; ready when there is one",
      tests: [refusals(/for want of its image/), on("test/images/registry.cluster.test.ts", /pulled by digest/)],
    },
    { fault: "foreign Service of the name", asserted: "told", tests: [refusals(/its Service's name is taken/)] },
    { fault: "volume missing", asserted: "told", tests: [refusals(/its volume is not there/)] },
    {
      fault: "bad manifests",
      asserted: "refused at apply, or shown as a condition, with the exact message",
      tests: [
        on("test/kubernetes/manifests.system.test.ts", /refuses .*, and says why|40 bad manifests/),
        on("test/operator/conditions.system.test.ts", /./),
      ],
    },
  ],
};

const FIRMWARE: FaultTable = {
  title: "Firmware",
  rows: [
    {
      fault: "URL slow",
      asserted: "runs on",
      tests: [lab(/firmware that is slow/), web(/a file that is slow/)],
    },
    {
      fault: "URL 404",
      asserted: "runs on",
      tests: [lab(/firmware that is not there/), web(/a file that is not there/)],
    },
    { fault: "wrong digest", asserted: "runs on", tests: [lab(/firmware that is another one/)] },
    { fault: "too large", asserted: "runs on", tests: [lab(/firmware that is too large/), web(/too large/)] },
    {
      fault: "redirect to the metadata address",
      asserted: "runs on",
      tests: [lab(/at a metadata service, by a redirect/), web(/a redirect to http:\/\/169/)],
    },
    {
      fault: "redirect to the cluster's API",
      asserted: "runs on",
      tests: [lab(/at the cluster's API, by a redirect/), web(/a redirect to https:\/\/10\.96/)],
    },
    {
      fault: "metadata address, address of the cluster",
      asserted: "told",
      tests: [refusals(/firmware is at/)],
    },
    {
      fault: "DNS that changes its answer",
      asserted: "a name is looked up once, and the connection goes to what was checked",
      tests: [web(/a name is looked up once/)],
    },
    {
      fault: "ConfigMap changed, deleted",
      asserted: "new bytes in the same pod; a reason where it is gone, and what runs, runs on",
      tests: [refusals(/firmware from a ConfigMap/), refusals(/its ConfigMap is not there/)],
    },
    {
      fault: "Secret without the right type",
      asserted: "the type that it has, and the one that it should have; Ready with the right one",
      tests: [
        on("test/operator/firmware-sources.system.test.ts", /other-type is told/),
        on("test/operator/firmware/firmware-secret.test.ts", /a Secret with (another type|a registry's login)/),
      ],
    },
  ],
};

const TIME: FaultTable = {
  title: "Definitions, clocks, certificates",
  rows: [
    {
      fault: "resource definitions upgraded while the operator runs",
      asserted: "no board and no status changes; what is asked for after is done in the same pod",
      tests: [lab(/resource definitions that are upgraded/)],
    },
    {
      fault: "agent's clock 30 s off",
      asserted: "Ready",
      tests: [
        lab(/clock is wrong.* by [+-]30s/),
        on("test/agent/trust/agent-in-pod.system.test.ts", /clock is wrong.* by [+-]30s/),
      ],
    },
    {
      fault: "agent's clock 10 min off",
      asserted: "AgentConnected is False, and names both clocks; no emulator runs",
      tests: [
        lab(/clock is wrong.* by [+-]600s/),
        on("test/agent/trust/agent-in-pod.system.test.ts", /clock is wrong.* by [+-]600s/),
      ],
    },
    {
      fault: "certificates of 2 minutes, rotating under load",
      asserted: "no stream breaks, runs pass, no pod restarts",
      tests: [
        on("test/chart/trust.cluster.test.ts", /renews certificates/),
        on("test/operator/trust/certificate-renewal.system.test.ts", /./),
      ],
    },
  ],
};

/** They take as long as those. */
const NO_FAULTS: FaultTable = {
  title: "Long tests that are of no fault",
  rows: [
    {
      fault: "README's commands for Kubernetes",
      asserted: "each one, as typed: installed, a board, a run, upgraded, uninstalled, and nothing is left",
      tests: [on("test/chart/readme.cluster.test.ts", /install a farm/)],
    },
    {
      fault: "Containerfiles, built by buildah",
      asserted: "the files of each image are those of the farm's own build",
      tests: [on("test/images/containerfiles.cluster.test.ts", /makes the same files/)],
    },
  ],
};

export const FAULTS: readonly FaultTable[] = [PARTS, BOARDS, REFUSED, FIRMWARE, TIME, NO_FAULTS];
