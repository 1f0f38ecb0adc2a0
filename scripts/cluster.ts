/** `npm run cluster`: a real Kubernetes of three nodes on this machine, for tests and for contributors. */
import { buildTools } from "./cluster/build.ts";
import { tools } from "./cluster/tools.ts";
import { ownCacheFolder } from "./setup/folders.mjs";
import { SetupError, say } from "./setup/say.mjs";

const cache = ownCacheFolder();

const commands: Record<string, (...args: string[]) => Promise<number>> = {
  build: async (...names) => {
    const chosen = tools.map(({ name }) => name).filter((name) => names.length === 0 || names.includes(name));
    await buildTools(cache, chosen);
    return 0;
  },
};

const [command = "", ...args] = process.argv.slice(2);
try {
  const action = commands[command];
  if (action === undefined) throw new SetupError(`which command? One of: ${Object.keys(commands).join(", ")}`);
  process.exitCode = await action(...args);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
