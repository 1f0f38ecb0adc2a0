import { createRequire } from "node:module";
import { cruise } from "dependency-cruiser";
import configuration from "../../.dependency-cruiser.mjs";

// dependency-cruiser walks the sources with this class, which does not know `using` and throws on it.
const { prototype } = createRequire(import.meta.url)("@swc/core/Visitor.js").Visitor;
const visitStatement = prototype.visitStatement;
prototype.visitStatement = function visitUsingToo(/** @type {any} */ statement) {
  if (statement.type !== "UsingDeclaration") return visitStatement.call(this, statement);
  return { ...statement, decls: this.visitVariableDeclarators(statement.decls) };
};

/**
 * Holds a tree against the rules of .dependency-cruiser.mjs.
 *
 * @param {string} baseFolder
 * @param {string[]} folders relative to baseFolder
 * @returns {Promise<{ moduleCount: number, violations: string[] }>}
 */
export async function findDependencyViolations(baseFolder, folders) {
  const { forbidden, options } = configuration;
  const { enhancedResolveOptions, ...cruiseOptions } = options ?? {};
  const { output } = await cruise(
    folders,
    { ...cruiseOptions, baseDir: baseFolder, validate: true, ruleSet: { forbidden: forbidden ?? [] } },
    enhancedResolveOptions,
  );
  if (typeof output === "string") throw new TypeError("dependency-cruiser answered with text");
  const { modules, summary } = output;
  return {
    moduleCount: modules.filter(({ source }) => folders.some((folder) => source.startsWith(`${folder}/`))).length,
    violations: summary.violations.map(({ rule, from, to }) => `${from} -> ${to}: ${rule.name}${commentOf(rule.name)}`),
  };
}

function commentOf(/** @type {string} */ name) {
  const comment = configuration.forbidden?.find((rule) => rule.name === name)?.comment;
  return comment === undefined ? "" : `. ${comment}`;
}
