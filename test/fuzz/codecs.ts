import type { Codec } from "./codec.ts";
import { boardCodecs } from "./codecs/boards.ts";
import { documentCodecs } from "./codecs/documents.ts";
import { imageCodecs } from "./codecs/images.ts";
import { streamCodecs } from "./codecs/streams.ts";
import { toolCodecs } from "./codecs/tools.ts";

/** Everything that reads what a stranger may send. */
export const CODECS: readonly Codec[] = [
  ...toolCodecs,
  ...boardCodecs,
  ...streamCodecs,
  ...imageCodecs,
  ...documentCodecs,
];
