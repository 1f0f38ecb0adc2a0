import { readFileSync } from "node:fs";

/**
 * @typedef {object} Distribution
 * @property {string} id `debian`, `ubuntu`, or whatever os-release says
 * @property {number} version such as 12 or 24.04; NaN where there is none (Debian testing)
 * @property {string} codename such as bookworm
 * @property {string} title for people
 */

/**
 * Reads os-release(5).
 *
 * @param {string} text
 * @returns {Distribution}
 */
export function parseOsRelease(text) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of text.split("\n")) {
    const match = /^([A-Z_]+)=(.*)$/.exec(line.trim());
    if (match?.[1] !== undefined) fields[match[1]] = (match[2] ?? "").replace(/^(["'])(.*)\1$/, "$2");
  }
  return {
    id: fields.ID ?? "unknown",
    version: Number.parseFloat(fields.VERSION_ID ?? ""),
    codename: fields.VERSION_CODENAME ?? "",
    title: fields.PRETTY_NAME ?? "this system",
  };
}

/** @returns {Distribution} */
export function thisDistribution() {
  try {
    return parseOsRelease(readFileSync("/etc/os-release", "utf8"));
  } catch {
    // A system without os-release is one that no package list is known for.
    return parseOsRelease("");
  }
}
