import { z } from "zod";

/** Where a server listens: a unix socket or a TCP port (0: any free one). */
export type ListenAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

const UNIX_PREFIX = "unix:";
const TCP_PATTERN = /^tcp:(\[[0-9a-fA-F:]+\]|[^:]+):(\d{1,5})$/;

/** `unix:/path` or `tcp:host:port`, as settings carry it. */
export const listenAddress = z
  .string()
  .transform((text, context): ListenAddress => {
    const address = parse(text);
    if (address) return address;
    context.addIssue({ code: "custom", message: "must be unix:/path or tcp:host:port" });
    return z.NEVER;
  })
  .describe("Where to listen: unix:/path or tcp:host:port; port 0 takes any free one.");

function parse(text: string): ListenAddress | undefined {
  if (text.startsWith(`${UNIX_PREFIX}/`)) return { kind: "unix", path: text.slice(UNIX_PREFIX.length) };
  const match = TCP_PATTERN.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || port > 65_535) return undefined;
  return { kind: "tcp", host: match[1].replace(/^\[|\]$/g, ""), port };
}

/** The text that {@link listenAddress} reads. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === "unix") return UNIX_PREFIX + address.path;
  return `tcp:${hostInUrl(address.host)}:${address.port}`;
}

/** Base of URLs for a TCP address. */
export function urlOf(address: ListenAddress & { kind: "tcp" }): string {
  return `http://${hostInUrl(address.host)}:${address.port}`;
}

function hostInUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
