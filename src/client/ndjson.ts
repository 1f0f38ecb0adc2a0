const NEWLINE = 0x0a;

/** Each line of a stream of JSON lines. Empty lines only keep the connection alive. */
export async function* parseJsonLines<Value>(chunks: AsyncIterable<Buffer>): AsyncGenerator<Value> {
  // A line may come in very many chunks: they are joined once, at its end.
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...pending, chunk.subarray(start, end)]);
      pending = [];
      start = end + 1;
      if (line.length > 0) yield JSON.parse(line.toString()) as Value;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
}
