/** Pins that are joined by wires, as one net each. Pins are told by their names, such as `led1:A`. */
export class Nets {
  readonly #parents = new Map<string, string>();

  /** Each net goes by the name of one of its pins; a pin that nothing joins is a net of its own. */
  netOf(pin: string): string {
    let root = pin;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent;
    if (root !== pin) this.#parents.set(pin, root);
    return root;
  }

  join(one: string, other: string): void {
    const [from, to] = [this.netOf(one), this.netOf(other)];
    if (from !== to) this.#parents.set(from, to);
  }
}

/** Two nets between which a level passes: weakened by a resistor, or by a contact while it is closed. */
export interface Joint {
  readonly nets: readonly [string, string];
  readonly resistors: 0 | 1;
  isClosed(): boolean;
}

/** The nets that are reached from some, over these joints, with how many resistors are on the way. */
export function reach(from: Iterable<string>, joints: readonly Joint[]): Map<string, number> {
  const distances = new Map<string, number>();
  let nearest = [...from];
  for (let distance = 0; nearest.length > 0; distance += 1) {
    const farther: string[] = [];
    for (let net = nearest.pop(); net !== undefined; net = nearest.pop()) {
      if (distances.has(net)) continue;
      distances.set(net, distance);
      for (const { nets, resistors } of joints) {
        const other = nets[0] === net ? nets[1] : nets[1] === net ? nets[0] : undefined;
        if (other !== undefined) (resistors === 0 ? nearest : farther).push(other);
      }
    }
    nearest = farther;
  }
  return distances;
}
