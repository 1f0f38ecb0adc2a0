import type { GuestChannels } from "../../client/guest-channels.ts";
import type { ErrorBody } from "../../core/error/error-body.ts";
import type { JobSpecInput } from "../../core/schema/job.ts";
import type { VerdictName } from "../../core/verdict.ts";
import type { AttemptResult } from "../../core/wire/attempt.ts";

/** A file with its digest. */
export interface NamedBytes {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: Buffer;
}

/** One firmware to run, as the command line says it. */
export interface RunRequest {
  /** Name of a board, or path of its YAML file. */
  readonly board: string;
  readonly image: NamedBytes;
  readonly initrd?: NamedBytes;
  readonly dtb?: NamedBytes;
  /** All else of the job. */
  readonly job: Omit<JobSpecInput, "board">;
  /** UART to show; default: the console. */
  readonly uart?: string;
}

export type SaveArtifact = (name: string, bytes: AsyncIterable<Uint8Array>) => Promise<void>;

/** What a run ended as, wherever it ran. */
export interface Outcome {
  readonly verdict: VerdictName;
  readonly error?: ErrorBody | undefined;
  readonly result?: AttemptResult | undefined;
  readonly isFlaky: boolean;
  /** Id of the job on a running farm. */
  readonly jobId?: string;
}

export interface GuestInput extends Disposable {
  write(bytes: Uint8Array): void;
}

/** A guest that was started. */
export interface GuestRun {
  /** Every byte of the UART as it comes, until the guest's end. */
  output(): AsyncIterable<Buffer>;
  /** Settles once the guest runs and takes input; undefined where it ended first. */
  openInput(): Promise<GuestInput | undefined>;
  /** The same for all channels of the guest. */
  openChannels(): Promise<GuestChannels | undefined>;
  /**
   * To be asked after the output's end.
   * @param save takes each file that the test has made, before anything of the run is forgotten
   */
  outcome(save?: SaveArtifact): Promise<Outcome>;
  cancel(reason: string): Promise<void>;
}

/** Where a firmware can run: a farm, or an agent of this call alone. */
export interface RunPlace extends AsyncDisposable {
  /** @throws {FarmError} whatever is wrong with the request */
  start(request: RunRequest): Promise<GuestRun>;
}
