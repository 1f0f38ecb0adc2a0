/** Counts what a guest writes on all its UARTs together, and tells once when it is more than the limit. */
export interface OutputLimit {
  count(uart: string, bytes: number): void;
}

export function createOutputLimit(options: {
  readonly limitBytes: number;
  onExceeded(uart: string): void;
}): OutputLimit {
  let total = 0;
  let isExceeded = false;
  return {
    count(uart, bytes) {
      total += bytes;
      if (isExceeded || total <= options.limitBytes) return;
      isExceeded = true;
      options.onExceeded(uart);
    },
  };
}
