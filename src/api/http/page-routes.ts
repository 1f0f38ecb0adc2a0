import fastify, { type FastifyInstance } from "fastify";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { board } from "../../core/schema/board.ts";
import { runFile } from "../../core/schema/run.ts";
import { scenario } from "../../core/schema/scenario.ts";
import type { RouteContext } from "./api-server.ts";
import { STATUS_PAGE } from "./status-page.ts";

/** The files that people write; editors check them against these. */
const SCHEMAS = { board, run: runFile, scenario };

const hidden = { hide: true };
/** The page holds no data: it asks for it with the token that its address brings. */
const config = { isPublic: true };

export async function addPageRoutes({ app }: RouteContext): Promise<void> {
  app.get("/", { config, schema: hidden }, (_request, reply) => reply.type("text/html").send(STATUS_PAGE));

  app.get(
    "/schemas/:file",
    { config, schema: { hide: true, params: z.object({ file: z.string().max(100) }) } },
    async ({ params: { file } }, reply) => {
      const name = file.replace(/\.json$/, "");
      if (!isSchema(name)) throw new FarmError("NotFound", { kind: "schema", name: file });
      const schema = z.toJSONSchema(SCHEMAS[name], { target: "draft-2020-12", io: "input" });
      return reply.type("application/schema+json").send({ ...schema, title: `emufarm ${name}` });
    },
  );

  const reference = createReference();
  for (const path of ["/reference", "/reference/", "/reference/js/scalar.js"]) {
    app.get(path, { config, schema: hidden }, async (_request, reply) => {
      const page = await (await reference()).inject(path);
      const { location } = page.headers;
      if (location !== undefined) reply.header("location", location);
      return reply
        .code(page.statusCode)
        .type(String(page.headers["content-type"] ?? "text/html"))
        .send(page.rawPayload);
    });
  }
}

/** The reference takes half a second and 40 MB to load: an app of its own, made when somebody looks at it first. */
function createReference(): () => Promise<FastifyInstance> {
  let loading: Promise<FastifyInstance> | undefined;
  const load = async () => {
    const { default: plugin } = await import("@scalar/fastify-api-reference");
    const app = fastify();
    // Nothing is fetched from elsewhere: a farm may stand where there is no way out.
    const configuration = {
      url: "/openapi.json",
      withDefaultFonts: false,
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      hideClientButton: true,
      showDeveloperTools: "never" as const,
    };
    await app.register(plugin, { routePrefix: "/reference", configuration });
    return app;
  };
  return () => {
    loading ??= load();
    return loading;
  };
}

function isSchema(name: string): name is keyof typeof SCHEMAS {
  return Object.hasOwn(SCHEMAS, name);
}
