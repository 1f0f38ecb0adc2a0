/**
 * The fair order of a waiting room, as a model: slow, plain, and what the scripts in Redis are held against.
 *
 * Start-time fair queueing: a turn costs a tenant `stride / weight` of virtual time. Who enters starts at the present,
 * or where it left if that is later. The tenant whose turn is earliest comes next; among equals, by name.
 */
export interface FairOrder {
  submit(job: FairJob): void;
  admit(count: number): string[];
  cancel(tenant: string, jobId: string): boolean;
  position(tenant: string, jobId: string): number | undefined;
  readonly size: number;
}

export interface FairJob {
  readonly jobId: string;
  readonly tenant: string;
  /** 0 is soonest. */
  readonly priority: number;
}

export function createFairOrder(stride: number, weights: Readonly<Record<string, number>> = {}): FairOrder {
  const queues = new Map<string, (FairJob & { sequence: number })[]>();
  const turns = new Map<string, number>();
  let present = 0;
  let sequence = 0;

  function enter(tenant: string): void {
    turns.set(tenant, Math.max(present, turns.get(tenant) ?? 0));
    queues.set(tenant, []);
  }

  function leaveIfEmpty(tenant: string): void {
    if (queues.get(tenant)?.length === 0) queues.delete(tenant);
    if (queues.size > 0) return;
    turns.clear();
    present = 0;
  }

  function nextTenant(): string | undefined {
    const tenants = [...queues.keys()].sort((one, other) => {
      const difference = (turns.get(one) ?? 0) - (turns.get(other) ?? 0);
      return difference === 0 ? (one < other ? -1 : 1) : difference;
    });
    return tenants[0];
  }

  function takeNext(): string | undefined {
    const tenant = nextTenant();
    const job = tenant === undefined ? undefined : queues.get(tenant)?.shift();
    if (tenant === undefined || job === undefined) return undefined;
    present = turns.get(tenant) ?? 0;
    turns.set(tenant, present + Math.floor(stride / (weights[tenant] ?? 1)));
    return job.jobId;
  }

  return {
    submit(job) {
      if (queues.get(job.tenant)?.some((waiting) => waiting.jobId === job.jobId)) return;
      if (!queues.has(job.tenant)) enter(job.tenant);
      const queue = queues.get(job.tenant) ?? [];
      queue.push({ ...job, sequence: sequence++ });
      queue.sort((one, other) => one.priority - other.priority || one.sequence - other.sequence);
    },
    admit(count) {
      const jobs: string[] = [];
      while (jobs.length < count) {
        const job = takeNext();
        if (job === undefined) break;
        jobs.push(job);
        for (const [tenant, queue] of queues) if (queue.length === 0) queues.delete(tenant);
      }
      if (queues.size === 0) {
        turns.clear();
        present = 0;
      }
      return jobs;
    },
    cancel(tenant, jobId) {
      const queue = queues.get(tenant) ?? [];
      const index = queue.findIndex((job) => job.jobId === jobId);
      if (index < 0) return false;
      queue.splice(index, 1);
      leaveIfEmpty(tenant);
      return true;
    },
    position(tenant, jobId) {
      const index = (queues.get(tenant) ?? []).findIndex((job) => job.jobId === jobId);
      return index < 0 ? undefined : index;
    },
    get size() {
      return [...queues.values()].reduce((sum, queue) => sum + queue.length, 0);
    },
  };
}
