import type { HttpServer } from "../../http/server.ts";
import type { AgentParts } from "../agent-parts.ts";
import type { ChannelScope } from "./channel-scope.ts";
import { addControlRoutes } from "./control-routes.ts";
import { addDisplayRoutes } from "./display-routes.ts";
import { addFrontEndRoutes } from "./front-end-routes.ts";
import { addGdbRoutes } from "./gdb-routes.ts";
import { addGpioRoutes } from "./gpio-routes.ts";
import { addImageRoutes } from "./image-routes.ts";
import { addMonitorRoutes } from "./monitor-routes.ts";
import { addPropertyRoutes } from "./property-routes.ts";
import { addQmpRoutes } from "./qmp-routes.ts";
import { addStorageRoutes } from "./storage-routes.ts";
import { addUartRoutes } from "./uart-routes.ts";

/** The channels of a board, and what works it. */
export function addChannelRoutes(server: HttpServer, scope: ChannelScope, parts: AgentParts): void {
  addGpioRoutes(server, scope);
  addFrontEndRoutes(server, scope, parts);
  addUartRoutes(server, scope);
  addQmpRoutes(server, scope);
  addPropertyRoutes(server, scope);
  addMonitorRoutes(server, scope);
  addDisplayRoutes(server, scope);
  addGdbRoutes(server, scope);
  addImageRoutes(server, scope);
  addStorageRoutes(server, scope);
  addControlRoutes(server, scope);
}
