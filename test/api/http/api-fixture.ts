import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ApiProcess, startApi } from "../../../src/api/api-process.ts";
import { readConfig } from "../../../src/api/config.ts";
import { type FarmQueue, openFarmQueue } from "../../../src/api/queue/farm-queue.ts";
import { FolderStore } from "../../../src/api/store/folder-store.ts";
import { createFarmClient, type FarmClient } from "../../../src/client/farm-client.ts";
import { urlOf } from "../../../src/http/listen-address.ts";
import { createLog } from "../../../src/log/log.ts";
import { freePort } from "../../free-port.ts";
import { type RedisFixture, startRedis } from "../queue/redis-fixture.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";

export const TOKEN = "test-token";

export type ApiRequest = Omit<RequestInit, "headers"> & { readonly headers?: Readonly<Record<string, string>> };

/** An API on a folder and a Redis of its own, and what a dispatcher would have: the same store and signals. */
export interface ApiFixture extends AsyncDisposable {
  readonly url: string;
  readonly data: string;
  readonly farm: FarmClient;
  readonly store: FolderStore;
  readonly queue: FarmQueue;
  readonly redis: RedisFixture;
  fetch(path: string, init?: ApiRequest): Promise<Response>;
  /** Ends the API and starts it again on the same folder and port. */
  restart(): Promise<void>;
}

const log = createLog({ name: "test", level: "silent" });

/** @param env further settings */
export async function startApiFixture(
  agents: readonly string[] = [],
  token = TOKEN,
  env: Readonly<Record<string, string>> = {},
): Promise<ApiFixture> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await createTemporaryFolder());
  const redis = starting.use(await startRedis());
  await mkdir(join(folder.path, "boards"));
  await writeFile(join(folder.path, "token"), token);
  const port = await freePort();
  const config = () =>
    readConfig({
      EMUFARM_ROLE: "api",
      EMUFARM_LISTEN: `tcp:127.0.0.1:${port}`,
      EMUFARM_TOKEN_FILE: join(folder.path, "token"),
      EMUFARM_DATA: folder.path,
      EMUFARM_REDIS: redis.address,
      EMUFARM_AGENTS: agents.join(","),
      EMUFARM_PUBLIC_URL: `http://127.0.0.1:${port}`,
      EMUFARM_BOARDS: join(process.cwd(), "manifests/boards"),
      ...env,
    });
  let api: ApiProcess = await startApi(config(), log);
  starting.defer(() => api[Symbol.asyncDispose]());
  if (api.address.kind !== "tcp") throw new Error("the API listens on TCP");
  const url = urlOf(api.address);
  const store = starting.use(
    await FolderStore.open({
      folder: join(folder.path, "store"),
      onFault(error) {
        throw error;
      },
    }),
  );
  const queue = starting.use(await openFarmQueue({ address: redis.address, log }));
  const farm = starting.use(createFarmClient({ address: url, token }));
  const resources = starting.move();
  return {
    url,
    data: folder.path,
    farm,
    store,
    queue,
    redis,
    fetch: (path, init) =>
      fetch(url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...init?.headers } }),
    async restart() {
      await api[Symbol.asyncDispose]();
      api = await startApi(config(), log);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
