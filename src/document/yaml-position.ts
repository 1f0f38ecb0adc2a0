import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from "yaml";

export type Path = readonly PropertyKey[];

/** Finds the places of a document's values by their path. */
export class YamlPositions {
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  constructor(document: Document.Parsed, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  /** Line and column of the value at a path, or of the nearest value around it. */
  ofValue(path: Path): { line: number; column: number } {
    return this.at(this.#nodeAt(path)?.range?.[0] ?? this.#document.range[0]);
  }

  /** Line and column of a key of the map at a path. */
  ofKey(path: Path, key: string): { line: number; column: number } {
    const map = this.#nodeAt(path);
    const pair = isMap(map) ? map.items.find((item) => keyText(item) === key) : undefined;
    const node = pair?.key as Node | undefined;
    return node?.range ? this.at(node.range[0]) : this.ofValue(path);
  }

  at(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  #nodeAt(path: Path): Node | undefined {
    let node = this.#resolve(this.#document.contents);
    for (const part of path) {
      const child = this.#childOf(node, part);
      if (child === undefined) return node;
      node = child;
    }
    return node;
  }

  #childOf(node: Node | undefined, part: PropertyKey): Node | undefined {
    if (isMap(node)) {
      const pair = node.items.find((item) => keyText(item) === String(part));
      return this.#resolve((pair?.value ?? pair?.key) as Node | null | undefined);
    }
    return isSeq(node) ? this.#resolve(node.items[Number(part)] as Node | undefined) : undefined;
  }

  #resolve(node: Node | null | undefined): Node | undefined {
    return (isAlias(node) ? node.resolve(this.#document) : node) ?? undefined;
  }
}

/** `steps[0].wait-serial` */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

function keyText(pair: Pair): string | undefined {
  return isScalar(pair.key) ? String(pair.key.value) : undefined;
}
