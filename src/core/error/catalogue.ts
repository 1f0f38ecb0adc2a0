import type { ErrorClass } from "../verdict.ts";

interface ErrorEntry {
  /** Whose fault it is; decides the retry. */
  class: ErrorClass;
  /** HTTP status where the error answers a request. */
  status: number;
  /** What happened and what to do, for a person. `{name}` is filled from the error's details. */
  sentence: string;
}

/**
 * Every error of the farm, by its stable code. `docs/errors.md` documents each; a test ties the two together.
 */
export const ERRORS = {
  // Requests
  InvalidRequest: { class: "job", status: 400, sentence: "The request is not valid: {problems}." },
  InvalidDocument: { class: "job", status: 400, sentence: "Not valid: {problems}." },
  InvalidPattern: {
    class: "job",
    status: 400,
    sentence:
      "The pattern {pattern} is refused: {problem}. Patterns are RE2: no back-references, no look-around; they run in linear time.",
  },
  RunRefused: {
    class: "job",
    status: 422,
    sentence: "Nothing was accepted: {refused} of {total} jobs cannot be. {problems}.",
  },
  NotFound: { class: "job", status: 404, sentence: "There is no {kind} {name}." },
  UnknownTarget: { class: "job", status: 404, sentence: "There is no job or instance {name}.{hint}" },
  UnknownBoard: { class: "job", status: 404, sentence: "There is no board {board}.{hint}" },
  BoardUnavailable: { class: "job", status: 422, sentence: "Board {board} cannot run here: {problem}." },
  NotSupportedByBoard: {
    class: "job",
    status: 422,
    sentence: "{what} is not supported by board {board}: {problem}.",
  },
  NotSupportedHere: {
    class: "job",
    status: 422,
    sentence: "{what} for board {board} cannot be had on this machine: {problem}.",
  },
  UnknownPin: { class: "job", status: 404, sentence: "Board {board} has no pin {pin}.{hint}" },
  PinNotDrivable: {
    class: "job",
    status: 422,
    sentence: "Pin {pin} of board {board} cannot be driven from outside: its model has no input there.",
  },
  PinsFailed: {
    class: "infrastructure",
    status: 502,
    sentence: "The pins of board {board} cannot be reached: {detail}.",
  },
  BodyTooLarge: {
    class: "job",
    status: 413,
    sentence: "The body is larger than the limit of {limitBytes} bytes.",
  },
  Conflict: { class: "job", status: 409, sentence: "{what} conflicts with what is there: {problem}." },

  // Firmware
  FirmwareUnknown: {
    class: "job",
    status: 404,
    sentence: "The store has no firmware {sha256}. Upload it first (PUT /v1/firmware/{sha256}).",
  },
  FirmwareEmpty: { class: "job", status: 422, sentence: "The firmware {name} is empty." },
  FirmwareTruncated: {
    class: "job",
    status: 422,
    sentence: "The firmware {name} is truncated: its headers promise {expectedBytes} bytes, it has {actualBytes}.",
  },
  FirmwareFormat: {
    class: "job",
    status: 422,
    sentence: "The firmware {name} is {actual}; board {board} takes {expected}.",
  },
  FirmwareArchitecture: {
    class: "job",
    status: 422,
    sentence: "The firmware {name} is built for {actual}; board {board} runs {expected}.",
  },
  FirmwareTooLarge: {
    class: "job",
    status: 422,
    sentence: "The firmware {name} does not fit board {board}: {problem}.",
  },
  DigestMismatch: {
    class: "job",
    status: 422,
    sentence: "The bytes have SHA-256 {actual}, not {expected} as was said. Nothing was stored.",
  },
  FirmwareSourceRefused: {
    class: "job",
    status: 422,
    sentence: "The farm does not fetch firmware from {source}: {problem}.",
  },
  FirmwareSourceFailed: {
    class: "infrastructure",
    status: 502,
    sentence: "Firmware could not be fetched from {source}: {detail}.",
  },
  FirmwareImageInvalid: {
    class: "job",
    status: 422,
    sentence: "The image {image} holds no firmware that can be taken: {problem}.",
  },

  // Trust
  Unauthenticated: {
    class: "job",
    status: 401,
    sentence: "No valid token came with the request. On one machine the token lies in {tokenFile}.",
  },
  LoginNeeded: {
    class: "job",
    status: 401,
    sentence:
      "No token came with the request. Bring one of the cluster (kubectl create token ACCOUNT --audience emufarm), or of the identity provider that the farm knows.",
  },
  TokenRefused: { class: "job", status: 401, sentence: "The token is refused: {problem}." },
  ClocksDiffer: {
    class: "infrastructure",
    status: 401,
    sentence:
      "Two clocks differ: the token was signed at {signedAt} by the clock of the {signer}, and the clock here says {here}. A token is good for five minutes, and clocks may differ by {toleranceSeconds} s. Set them, as by NTP.",
  },
  Forbidden: { class: "job", status: 403, sentence: "This is not allowed: {problem}." },

  // Kubernetes
  NoCluster: { class: "job", status: 400, sentence: "No cluster is chosen: {problem}." },
  ClusterLoginRefused: {
    class: "job",
    status: 401,
    sentence:
      "The cluster at {server} does not know you: {problem}. Log in again, or choose another context: --context.",
  },
  ClusterUnreachable: { class: "infrastructure", status: 503, sentence: "The cluster cannot be reached: {detail}." },
  ClusterRefused: { class: "job", status: 422, sentence: "The cluster refused {what}: {problem}." },
  KindNotInstalled: {
    class: "infrastructure",
    status: 503,
    sentence: "The cluster at {server} has no kind {kind}. {advice}.",
  },
  TooManyViewers: {
    class: "infrastructure",
    status: 503,
    sentence: "UART {uart} has {viewers} viewers, and takes no more. Close some of them.",
  },
  ChannelUnreachable: {
    class: "infrastructure",
    status: 503,
    sentence: "{channel} of {instance} cannot be reached: {problem}.",
  },

  // What a guest does
  ExpectationNotMet: { class: "test", status: 200, sentence: "{step}: expected {expected}, but {actual}." },
  FailPatternMatched: {
    class: "test",
    status: 200,
    sentence: "The fail pattern {pattern} matched on {uart}: {match}.",
  },
  TestCasesFailed: { class: "test", status: 200, sentence: "{failed} of {total} test cases failed: {names}." },
  NonZeroExit: { class: "test", status: 200, sentence: "The guest ended with exit code {code}." },
  UnexpectedExit: {
    class: "test",
    status: 200,
    sentence: "The guest ended ({reason}) before the scenario was through: {step}.",
  },
  GuestCrashed: { class: "test", status: 200, sentence: "The guest crashed: {detail}." },
  ResetLoop: {
    class: "test",
    status: 200,
    sentence: "The guest reset {resets} times; limits.resets allows {allowed}.",
  },
  SandboxViolation: {
    class: "test",
    status: 200,
    sentence: "The guest made the emulator call what the sandbox forbids; the emulator was ended.",
  },
  MemoryLimit: {
    class: "test",
    status: 200,
    sentence: "The emulator needed more memory than its limit of {limitMiB} MiB and was ended.",
  },
  OutputLimit: {
    class: "test",
    status: 200,
    sentence: "The guest wrote more than {limitBytes} bytes on {uart}. Raise limits.output if that is wanted.",
  },
  ArtifactLimit: {
    class: "test",
    status: 200,
    sentence:
      "The test made more than {limitBytes} bytes or {limitFiles} files of artifacts. Keep fewer or smaller ones.",
  },
  StepTimeout: {
    class: "test",
    status: 200,
    sentence: "{step}: nothing of the kind came within {timeout} ({clock} time).",
  },
  JobTimeout: {
    class: "test",
    status: 200,
    sentence: "The job was not done within {timeout} ({clock} time): {waitingFor}.",
  },
  Cancelled: { class: "job", status: 409, sentence: "Cancelled: {reason}." },

  // Emulators
  EmulatorMissing: {
    class: "infrastructure",
    status: 503,
    sentence: "The emulator {binary} is not installed. Install it: {install}.",
  },
  EmulatorTooOld: {
    class: "infrastructure",
    status: 503,
    sentence: "{binary} is version {actual}; board {board} needs {expected} or later. Install it: {install}.",
  },
  EmulatorUnusable: {
    class: "infrastructure",
    status: 503,
    sentence: "{binary} could not be asked what it can do: {detail}.",
  },
  EmulatorRefused: {
    class: "job",
    status: 422,
    sentence: "The emulator ended at once with exit code {code} and said: {stderr}",
  },
  EmulatorStartFailed: {
    class: "infrastructure",
    status: 503,
    sentence: "The emulator could not be started: {detail}.",
  },
  SnapshotFailed: {
    class: "infrastructure",
    status: 503,
    sentence: "No snapshot of the guest could be made or restored: {detail}.",
  },
  EmulatorKilled: {
    class: "infrastructure",
    status: 503,
    sentence: "The emulator was killed by {signal} from outside.",
  },
  QmpFailed: { class: "infrastructure", status: 502, sentence: "QMP command {command} failed: {detail}." },
  PropertyUnknown: { class: "test", status: 404, sentence: "There is no property {property}: {problem}." },
  PropertyRefused: { class: "job", status: 403, sentence: "The property {property} cannot be set: {problem}." },
  MonitorCommandRefused: { class: "job", status: 403, sentence: "The monitor does not take {command}: {problem}." },
  BoardOff: { class: "job", status: 409, sentence: "The board is off: {what} needs it on." },
  BoardStarting: {
    class: "job",
    status: 409,
    sentence: "The board is not up yet: {what} has waited {waited} for its start.",
  },
  ScreenshotFailed: { class: "test", status: 502, sentence: "No picture of the display could be had: {problem}." },
  VncFailed: { class: "test", status: 502, sentence: "The display could not be reached by VNC: {problem}." },
  QmpClosed: { class: "infrastructure", status: 502, sentence: "The session of QMP has ended: {reason}." },
  ListenFailed: { class: "job", status: 400, sentence: "{address} cannot be listened on: {problem}." },
  QmpCommandRefused: {
    class: "job",
    status: 403,
    sentence: "QMP command {command} is not on the list of allowed commands.",
  },
  GdbUnavailable: { class: "infrastructure", status: 502, sentence: "No debugger can be attached: {detail}." },
  DebuggerMissing: {
    class: "job",
    status: 422,
    sentence: "There is no {program} in PATH. Install it ({advice}), or name another gdb by EMUFARM_GDB.",
  },
  GdbTaken: {
    class: "job",
    status: 409,
    sentence: "Another debugger is attached to this board. It can have one at a time: detach that one first.",
  },

  // The farm
  NoFreeSlot: { class: "infrastructure", status: 409, sentence: "All {slots} slots of the agent are taken." },
  InstancesOnCluster: {
    class: "job",
    status: 422,
    sentence:
      "This farm runs on a cluster, where instances are objects of Kubernetes: emufarm apply and get with --context or --namespace, or kubectl.",
  },
  InstanceNotReady: {
    class: "infrastructure",
    status: 503,
    sentence: "Instance {instance} is not as it was asked for: {problem}.",
  },
  FarmFull: {
    class: "infrastructure",
    status: 409,
    sentence:
      "All {slots} slots of the farm are taken, {whom}. Delete or wait for one, or give the farm more: emufarm up --slots.",
  },
  AttemptConflict: {
    class: "infrastructure",
    status: 409,
    sentence: "The attempt {attempt} exists already with another content.",
  },
  StaleEpoch: {
    class: "infrastructure",
    status: 409,
    sentence: "The caller's epoch {epoch} is older than {current}: another dispatcher or leader took over.",
  },
  StaleGeneration: {
    class: "infrastructure",
    status: 409,
    sentence: "Generation {generation} is older than {current}, which the agent has.",
  },
  Draining: { class: "infrastructure", status: 409, sentence: "The agent is draining and takes no new work." },
  AgentLost: { class: "infrastructure", status: 502, sentence: "The agent {agent} was lost: {detail}." },
  FirmwareFetchFailed: {
    class: "infrastructure",
    status: 502,
    sentence: "The agent could not fetch firmware {sha256}: {detail}.",
  },
  StoreFull: {
    class: "infrastructure",
    status: 507,
    sentence: "The data folder {folder} is full. Free space there, or lower the retention.",
  },
  StoreUnavailable: { class: "infrastructure", status: 503, sentence: "The store cannot be used: {detail}." },
  BucketUnavailable: {
    class: "infrastructure",
    status: 503,
    sentence: "The bucket {place} does not answer: {detail}. What is to go there waits in the farm's folder.",
  },
  BucketRefused: {
    class: "infrastructure",
    status: 503,
    sentence: "The bucket {place} cannot be used: {problem}.",
  },
  StoredBytesDamaged: {
    class: "infrastructure",
    status: 502,
    sentence: "The object {key} in {place} is not what the farm has put there: {problem}.",
  },
  QueueUnavailable: {
    class: "infrastructure",
    status: 503,
    sentence: "Redis cannot be used: {detail}. What was accepted is safe in the store and goes on when it is back.",
  },
  QueueMisconfigured: {
    class: "infrastructure",
    status: 503,
    sentence: "Redis has maxmemory-policy {policy}; the farm needs noeviction, or queued jobs would vanish.",
  },
  PortInUse: {
    class: "infrastructure",
    status: 503,
    sentence: "Port {port} of {host} is taken by another program. Choose another one: {option}.",
  },
  FolderInUse: {
    class: "job",
    status: 409,
    sentence:
      "A farm (pid {pid}) is already up on {folder}. Use it, stop it (Ctrl-C where it runs, or kill {pid}), or start another one on a folder and a port of its own: --data, --port.",
  },
  FarmStopped: {
    class: "infrastructure",
    status: 503,
    sentence: "The farm was stopped. What it has accepted is kept, and goes on when it is up again: {start}.",
  },
  FarmNotRunning: {
    class: "infrastructure",
    status: 503,
    sentence: "No farm answers at {address}. Start one: {start}.",
  },
  ToolMissing: {
    class: "infrastructure",
    status: 500,
    sentence: "{tool} is needed for {purpose} and is not on this machine. Install it: sudo apt-get install {tool}.",
  },
  RedisMissing: {
    class: "infrastructure",
    status: 503,
    sentence: "Neither redis-server nor valkey-server is installed. Install one of them: {install}.",
  },
  ProcessStartFailed: {
    class: "infrastructure",
    status: 503,
    sentence: "The farm's process {process} did not come up: {detail}. Its log: {log}.",
  },
  SocketPathTooLong: {
    class: "infrastructure",
    status: 503,
    sentence: "The socket path {path} is longer than 107 bytes. Set a shorter runtime folder: EMUFARM_RUNTIME_DIR.",
  },
  RetriesExhausted: {
    class: "infrastructure",
    status: 503,
    sentence: "Given up after {attempts} attempts; the last one ended with: {last}",
  },
  Internal: {
    class: "infrastructure",
    status: 500,
    sentence: "This should not have happened: {detail}. Please report it with the log.",
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];
