import type { Socket } from "node:net";

/** What a boot strategy needs of a UART hub: a place to plug the emulator's end of the serial line in. */
export interface UartPort {
  /** Name of the channel, such as uart0. */
  readonly name: string;
  /**
   * Plugs in the emulator's socket for this boot. The hub reads at once and never stops; bytes of an older boot's
   * socket that arrive later are dropped and counted. `kick` makes the emulator's main loop turn, after writes;
   * undefined: it turns by itself. Returns how to unplug a socket that goes on to serve another boot.
   */
  attach(socket: Socket, boot: number, kick: (() => void) | undefined): () => void;
  /** Takes output of a guest that was restored: what it had written before. */
  replay(chunk: Buffer): void;
}
