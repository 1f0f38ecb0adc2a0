import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";

export const digestOf = (bytes: Uint8Array | string) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A registry that has what a test gives it, right or wrong. */
export interface FakeRegistry extends AsyncDisposable {
  readonly address: string;
  readonly requests: readonly Pick<IncomingMessage, "url" | "headers">[];
  addBlob(bytes: Uint8Array | string, digest?: string): string;
  /** @param version tag; default: its digest */
  addManifest(manifest: object, version?: string): string;
}

export interface FakeRegistryOptions {
  /** What has to be shown for anything. */
  readonly wanted?: string;
  /** What is said to those who do not. */
  readonly challenge?: (address: string) => string;
  /** Answers of the token service, by what is shown to it. */
  readonly tokens?: Readonly<Record<string, string>>;
}

export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const contents = new Map<string, Uint8Array | string>();
  const requests: Pick<IncomingMessage, "url" | "headers">[] = [];
  const { wanted, challenge, tokens = {} } = options;
  const server = createServer((request, response) => {
    const { url = "", headers } = request;
    requests.push({ url, headers });
    const { authorization = "" } = headers;
    if (url.startsWith("/token")) return response.end(JSON.stringify({ token: tokens[authorization] }));
    if (wanted !== undefined && authorization !== wanted) {
      return response.writeHead(401, { "www-authenticate": challenge?.(address) ?? "Basic" }).end();
    }
    const found = contents.get(url.split("/").at(-1) ?? "");
    return found === undefined ? response.writeHead(404).end() : response.end(found);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    requests,
    addBlob(bytes, digest = digestOf(bytes)) {
      contents.set(digest, bytes);
      return digest;
    },
    addManifest(manifest, version) {
      const body = JSON.stringify(manifest);
      contents.set(version ?? digestOf(body), body);
      return digestOf(body);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** An archive of files; undefined as contents is a folder. */
export async function tarOf(files: Readonly<Record<string, string | undefined>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, contents] of Object.entries(files)) {
    if (contents === undefined) archive.entry({ name, type: "directory" });
    else archive.entry({ name }, contents);
  }
  archive.finalize();
  return await buffer(archive);
}
