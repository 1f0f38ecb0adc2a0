import { existsSync, readdirSync, readFileSync } from "node:fs";

/**
 * @typedef {object} AptSource one archive that apt reads packages from
 * @property {string} uri
 * @property {string[]} suites
 * @property {string[]} components
 * @property {string} [signedBy] key ring that signs it; without it, apt's own key rings do
 */

/**
 * The sources of a file in either of apt's formats: one-line (`.list`) or deb822 (`.sources`). See sources.list(5).
 *
 * @param {string} fileName
 * @param {string} text
 * @returns {AptSource[]}
 */
export function parseAptSources(fileName, text) {
  return fileName.endsWith(".sources") ? parseDeb822(text) : parseOneLine(text);
}

/** @returns {AptSource[]} */
function parseOneLine(/** @type {string} */ text) {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+[^\s#]+)*)/.exec(line);
    if (match === null) return [];
    const [, options = "", uri = "", suite = "", components = ""] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1];
    const source = { uri, suites: [suite], components: words(components) };
    return [signedBy === undefined ? source : { ...source, signedBy }];
  });
}

/** @returns {AptSource[]} */
function parseDeb822(/** @type {string} */ text) {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    /** @type {Record<string, string>} */
    const fields = {};
    let last = "";
    for (const line of paragraph.split("\n").filter((one) => !one.startsWith("#"))) {
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (match?.[1] !== undefined) {
        last = match[1].toLowerCase();
        fields[last] = match[2] ?? "";
      } else if (last !== "") fields[last] += ` ${line.trim()}`;
    }
    if (!words(fields.types ?? "").includes("deb") || fields.enabled?.trim() === "no") return [];
    const rest = { suites: words(fields.suites ?? ""), components: words(fields.components ?? "") };
    // A key may also stand in the field itself; such a source is left to apt's own key rings.
    const signedBy = fields["signed-by"]?.startsWith("/") === true ? fields["signed-by"].trim() : undefined;
    return words(fields.uris ?? "").map((uri) => ({ uri, ...rest, ...(signedBy !== undefined && { signedBy }) }));
  });
}

/**
 * The source from which this system takes a suite, or undefined.
 *
 * @param {readonly AptSource[]} sources
 * @param {string} suite such as bookworm
 */
export function mirrorOf(sources, suite) {
  return sources.find(({ suites, components }) => suites.includes(suite) && components.includes("main"));
}

/** All sources of the running system. */
export function systemSources(folder = "/etc/apt") {
  const parts = existsSync(`${folder}/sources.list.d`) ? readdirSync(`${folder}/sources.list.d`) : [];
  return ["sources.list", ...parts.sort().map((name) => `sources.list.d/${name}`)]
    .filter((name) => /\.(list|sources)$/.test(name) && existsSync(`${folder}/${name}`))
    .flatMap((name) => parseAptSources(name, readFileSync(`${folder}/${name}`, "utf8")));
}

function words(/** @type {string} */ text) {
  return text.split(/\s+/).filter((word) => word !== "");
}
