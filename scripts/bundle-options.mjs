/** Left in node_modules: native code, and packages that read files of their own at run time. */
const EXTERNAL = ["msgpackr-extract", "@scalar/fastify-api-reference", "@fastify/swagger-ui", "esbuild"];

/** How the sources become programs for Node 24, for whichever entry points. @type {import("esbuild").BuildOptions} */
export const bundleOptions = {
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  chunkNames: "chunks/[name]-[hash]",
  minifySyntax: true,
  // A program keeps its text in memory, twice as large where one character of it is none of Latin-1, which those of
  // comments are. Lines stay, for stack traces; licences lie beside the program.
  minifyWhitespace: true,
  lineLimit: 160,
  legalComments: "none",
  charset: "ascii",
  keepNames: true,
  external: EXTERNAL,
  // CommonJS dependencies call require(), which an ES module has not.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
};
