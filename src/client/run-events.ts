import { createParser } from "eventsource-parser";
import type { RunEvent } from "../core/wire/farm.ts";

export interface IdentifiedEvent {
  /** What `last-event-id` is to say on the next connection. */
  readonly id: string | undefined;
  readonly event: RunEvent;
}

/** Events of a server-sent event stream, as they come. */
export async function* parseRunEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<IdentifiedEvent> {
  let ready: IdentifiedEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, data }) => ready.push({ id, event: JSON.parse(data) as RunEvent }),
  });
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    const events = ready;
    ready = [];
    yield* events;
  }
}
