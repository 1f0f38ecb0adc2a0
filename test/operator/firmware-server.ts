import type { RequestListener } from "node:http";
import { hostFirmware } from "../agent/firmware/firmware-host.ts";

/** A server of firmware that does what servers of firmware do. */
export interface FirmwareServer extends AsyncDisposable {
  url(path: string): string;
}

const LARGE_BYTES = 3 * 1024 * 1024;

/** @param image what `/app.elf` is */
export async function startFirmwareServer(image: Uint8Array): Promise<FirmwareServer> {
  const answers: Readonly<Record<string, RequestListener>> = {
    "/app.elf": (_request, response) => response.end(image),
    // A first byte, and nothing more.
    "/slow": (_request, response) => void response.write(image.subarray(0, 1)),
    // Without a length that would give it away.
    "/large": (_request, response) => {
      response.write(Buffer.alloc(1));
      response.end(Buffer.alloc(LARGE_BYTES));
    },
    "/to-metadata": (_request, response) =>
      response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/iam" }).end(),
    "/to-cluster": (_request, response) =>
      response.writeHead(302, { location: "https://10.0.0.1/api/v1/secrets" }).end(),
  };
  const host = await hostFirmware((request, response) => {
    const answer = answers[request.url ?? ""];
    if (answer) answer(request, response);
    else response.writeHead(404).end();
  });
  return {
    url: (path) => new URL(path, host.url).href,
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}
