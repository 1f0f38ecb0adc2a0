import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../free-port.ts";

/** Debian's docker-registry as a process of a test. */
export interface RegistryProcess extends AsyncDisposable {
  /** As images are named: `127.0.0.1:PORT`. */
  readonly address: string;
}

/** user "farm", password "open sesame", as htpasswd makes it (bcrypt). */
export const REGISTRY_USER = { username: "farm", password: "open sesame" };
export const HTPASSWD = "farm:$2y$05$AChIofLxK3zLz5aijFsJX.pxFlddjNy7E4MWw1Ea69lfYV25N5NPG\n";

/** The settings of docker-registry, as it reads them from a file. */
export function registrySettings(listen: string, folder: string, htpasswd: string | undefined): string {
  const auth = htpasswd === undefined ? {} : { auth: { htpasswd: { realm: "the farm's registry", path: htpasswd } } };
  const storage = { filesystem: { rootdirectory: folder }, delete: { enabled: true } };
  return JSON.stringify({ version: "0.1", log: { level: "error" }, storage, http: { addr: listen }, ...auth });
}

export async function startRegistry({ hasLogin = false } = {}): Promise<RegistryProcess> {
  const folder = mkdtempSync(join(tmpdir(), "registry-"));
  const address = `127.0.0.1:${await freePort()}`;
  const htpasswd = join(folder, "htpasswd");
  writeFileSync(htpasswd, HTPASSWD);
  const settings = join(folder, "config.yml");
  writeFileSync(settings, registrySettings(address, join(folder, "data"), hasLogin ? htpasswd : undefined));
  const child: ChildProcess = spawn("docker-registry", ["serve", settings], { stdio: "ignore" });
  await answering(child, `http://${address}/`);
  return {
    address,
    async [Symbol.asyncDispose]() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answering(child: ChildProcess, url: string): Promise<void> {
  while (child.exitCode === null) {
    try {
      await fetch(url);
      return;
    } catch {
      // It does not listen yet: there is nothing that tells when it does.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error(`docker-registry ended with ${child.exitCode}`);
}
