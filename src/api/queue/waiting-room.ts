/** A job in the waiting room: ids and what decides its turn, never firmware or secrets. */
export interface WaitingJob {
  readonly jobId: string;
  readonly tenant: string;
  /** 0 is soonest. */
  readonly priority: number;
}

/** Jobs that wait for a slot of one pool. Each operation is one atomic script in Redis. */
export interface WaitingRoom {
  /** Puts jobs in; those that wait already stay where they are. Wakes the dispatcher. */
  submit(pool: string, jobs: readonly WaitingJob[]): Promise<void>;
  /** Takes up to `count` jobs out, fairly over tenants by weight, in the order of priority and submission within one. */
  admit(pool: string, count: number): Promise<string[]>;
  /** Takes jobs out that wait; returns those that did. */
  cancel(pool: string, jobs: readonly Pick<WaitingJob, "jobId" | "tenant">[]): Promise<string[]>;
  /** Rank in the tenant's queue, from 0; undefined when the job does not wait. */
  position(pool: string, job: Pick<WaitingJob, "jobId" | "tenant">): Promise<number | undefined>;
  /** Number of waiting jobs. */
  size(pool: string): Promise<number>;
}

/** Where a job's current attempt runs. */
export interface JobPlace {
  readonly attempt: number;
  /** Address of the agent, as the settings name it. */
  readonly agent: string;
}

/** Where the jobs of a pool run, for showing them and for reaching their channels. A hint, like the signals. */
export interface JobPlaces {
  /** Jobs that do not run are not in the map. */
  findPlaces(jobIds: readonly string[]): Promise<Map<string, JobPlace>>;
}

/** Hints between API and dispatcher over Redis. Losing one costs time, never a verdict: the store is the record. */
export interface FarmSignals {
  publish(signal: FarmSignal): Promise<void>;
  /** Returns how to stop. */
  subscribe(listener: (signal: FarmSignal) => void): Promise<() => Promise<void>>;
}

export type FarmSignal =
  | { readonly type: "jobRunning"; readonly jobId: string; readonly attempt: number; readonly agent: string }
  | { readonly type: "jobFinished"; readonly jobId: string }
  | { readonly type: "submitted"; readonly pool: string }
  | { readonly type: "cancelled"; readonly pool: string; readonly runId: string; readonly jobIds?: readonly string[] };
