import { z } from "zod";
import type { LogRange } from "../attempt/attempts.ts";
import type { ChannelOwner } from "../channel/channel-owner.ts";

/** Where channels are found: attempts and instances have the same ones. */
export interface ChannelScope {
  /** Path up to the owner's id, such as /v1/attempts. */
  readonly path: string;
  /** @throws {FarmError} NotFound */
  owner(id: string): ChannelOwner;
  /** @throws {FarmError} NotFound */
  readLog(id: string, uart: string, range: LogRange): AsyncIterable<Buffer>;
}

export const ownerParams = z.object({ id: z.string().min(1).max(120) });
