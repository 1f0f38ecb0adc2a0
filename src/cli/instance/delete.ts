import { FarmError } from "../../core/error/farm-error.ts";
import { objectAsked } from "../cluster/object-kind.ts";
import { EXIT } from "../exit-code.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { instanceNamed, openInstancePlace } from "./instance-place.ts";

/** `emufarm delete emu/NAME...`: instances end, and their slots or pods are free again. */
export async function deleteInstances(
  surroundings: Surroundings,
  words: readonly string[],
  options: FarmOptions,
): Promise<number> {
  const names = words.map((word) => {
    const asked = objectAsked(word);
    if (!asked || asked.kind.kind === "EmulatorInstance") return instanceNamed(word, "delete");
    const problems = `${word} is no instance; boards go by emufarm boards remove, other objects of a cluster by kubectl delete`;
    throw new FarmError("InvalidRequest", { problems });
  });
  await using place = await openInstancePlace(surroundings, options);
  for (const name of names) {
    await place.delete(name);
    surroundings.stdout.write(`emulatorinstance.emufarm.dev "${name}" deleted\n`);
  }
  return EXIT.passed;
}
