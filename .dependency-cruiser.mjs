/** Who may import whom. The rules are those of docs/architecture.md; `npm run check` holds them. */

/** What each room (folder right under src/) may import of the others. Deployables are on nobody's list. */
const rooms = {
  core: [],
  log: [],
  document: ["core"],
  pattern: ["core"],
  http: ["core", "log"],
  token: ["core"],
  client: ["core"],
  kube: ["log"],
  agent: ["core", "document", "pattern", "http", "log", "token"],
  api: ["core", "document", "pattern", "http", "log", "client", "kube", "token"],
  operator: ["core", "document", "http", "log", "client", "kube", "token"],
  cli: ["core", "document", "http", "log", "client", "kube"],
  web: ["core"],
};

/** A package, wherever npm put it. */
const npm = (/** @type {string[]} */ ...names) => `(^|/)node_modules/(${names.join("|")})/`;

/** @type {import("dependency-cruiser").IForbiddenRuleType[]} */
const forbidden = [
  {
    name: "core-is-pure",
    comment: "The domain imports zod and itself: no I/O, no clock, no other room.",
    severity: "error",
    from: { path: "^src/core/" },
    to: { pathNot: ["^src/core/", npm("zod")] },
  },
  ...Object.entries(rooms).map(([room, allowed]) => ({
    name: `${room}-imports-what-it-may`,
    comment: `src/${room} may import of the other rooms: ${allowed.join(", ") || "none"}.`,
    severity: /** @type {const} */ ("error"),
    from: { path: `^src/${room}/` },
    to: { path: "^src/", pathNot: `^src/(${[room, ...allowed].join("|")})/` },
  })),
  {
    name: "rooms-are-known",
    comment: "A new room is entered into the list above, with what it may import.",
    severity: "error",
    from: { path: "^src/", pathNot: `^src/(${Object.keys(rooms).join("|")})/` },
    to: {},
  },
  {
    name: "kubernetes-client-in-kube",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/kube/" },
    to: { path: npm("@kubernetes/client-node") },
  },
  {
    name: "signed-tokens-in-token",
    comment: "One room signs and checks tokens of the farm; logins of others are the API's.",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/(token|api/login)/" },
    to: { path: npm("jose") },
  },
  {
    name: "redis-in-api-queue",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/api/queue/" },
    to: { path: npm("bullmq", "ioredis") },
  },
  {
    name: "s3-in-api-store",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/api/store/" },
    to: { path: npm("@aws-sdk/[^/]+", "@smithy/[^/]+") },
  },
  {
    name: "servers-are-fastify-servers",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/(http|agent|api|operator)/" },
    to: { path: npm("fastify", "@fastify/[^/]+", "fastify-type-provider-zod") },
  },
  {
    name: "yaml-in-document",
    comment: "One room turns YAML and TOML into validated values, with file, line and column in its errors.",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/document/" },
    to: { path: npm("yaml", "smol-toml") },
  },
  {
    name: "patterns-in-pattern",
    comment: "What users write runs on a linear-time engine, in one room.",
    severity: "error",
    from: { path: "^src/", pathNot: "^src/pattern/" },
    to: { path: npm("re2js", "re2", "re2-wasm") },
  },
  {
    name: "processes-start-in-few-places",
    severity: "error",
    from: { path: "^src/", pathNot: ["^src/agent/(emulator|process|limits)/", "^src/cli/(up|farm|gdb|console)/"] },
    to: { path: [npm("execa"), "^(node:)?child_process$"] },
  },
  {
    name: "sources-import-sources",
    comment: "What is shipped needs neither tests nor tools.",
    severity: "error",
    from: { path: "^src/" },
    to: { path: "^(test|bench|scripts|examples)/" },
  },
  {
    name: "no-development-packages",
    severity: "error",
    from: { path: "^src/" },
    to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"] },
  },
  {
    name: "nothing-unresolved",
    severity: "error",
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: "no-cycles",
    comment: "Types alone may refer to each other.",
    severity: "error",
    from: { path: "^src/" },
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
];

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden,
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      extensions: [".ts", ".mjs", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
    },
  },
};
