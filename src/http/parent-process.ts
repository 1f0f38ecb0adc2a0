import { fstatSync } from "node:fs";
import type { Readable } from "node:stream";

/**
 * Tells when whoever started this process has gone, which is when the other end of its standard input closes. What has
 * no other end tells nothing: a container begins with an empty standard input, and runs until it is told to stop.
 */
export function onParentEnd(stdin: Readable & { readonly fd: number }, tell: () => void): void {
  const kind = fstatSync(stdin.fd);
  if (!kind.isFIFO() && !kind.isSocket()) return;
  let isTold = false;
  const tellOnce = () => {
    if (!isTold) tell();
    isTold = true;
  };
  for (const event of ["end", "close", "error"]) stdin.once(event, tellOnce);
  stdin.resume();
}
