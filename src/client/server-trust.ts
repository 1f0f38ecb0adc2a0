import type { SecureContext } from "node:tls";
import type { connector } from "undici/lib/core/connect.js";

/** Whom a caller takes for its server. */
export interface ServerTrust {
  /**
   * Certificates of the authorities that may have signed the server's, or the server's own, as PEM; as a function, as
   * they are at each new connection.
   */
  readonly authority: string | (() => string);
  /** Name that the server's certificate is for, whatever its address. */
  readonly serverName: string;
  /** Shared by those who connect to many servers of one authority; default: one of its own. */
  readonly context?: (authority: string) => SecureContext;
}

/** What connections to many servers of one authority have in common: made once for each, and not for each connection. */
export function sharedContext(): NonNullable<ServerTrust["context"]> {
  let known: { readonly authority: string; readonly context: SecureContext } | undefined;
  return (authority) => {
    if (known?.authority !== authority) {
      // Not loaded by those who need no TLS: commands start in a moment.
      const { createSecureContext } = process.getBuiltinModule("node:tls");
      known = { authority, context: createSecureContext({ ca: authority, allowPartialTrustChain: true }) };
    }
    return known.context;
  };
}

const CONNECT_MS = 10_000;
const KEEP_ALIVE_AFTER_MS = 60_000;

/** For `tls.connect`, as the authorities are now. */
export function trustOptions({ authority, serverName, context }: Required<ServerTrust>) {
  const ca = typeof authority === "string" ? authority : authority();
  return { secureContext: context(ca), servername: serverName };
}

/**
 * Connects to servers of the authorities as they are then. Not by undici's connector, which offers protocols by ALPN:
 * for as long as a connection lives Node keeps the list, and with it a buffer of 64 KiB that two share.
 */
export function trustingConnector(trust: Required<ServerTrust>): connector {
  return ({ hostname, port }, callback) => {
    const { connect } = process.getBuiltinModule("node:tls");
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS, noDelay: true };
    const socket = connect({ ...trustOptions(trust), ...keepAlive, host: hostname, port: Number(port || 443) });
    const fail = (error: Error) => callback(error, null);
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error(`no connection within ${CONNECT_MS / 1_000} s`)));
    socket.once("error", fail);
    socket.once("secureConnect", () => {
      socket.off("error", fail);
      socket.setTimeout(0);
      socket.removeAllListeners("timeout");
      callback(null, socket);
    });
  };
}
