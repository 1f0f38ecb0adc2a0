import type { HttpServer } from "../../http/server.ts";
import type { ChannelScope } from "./channel-scope.ts";
import { addControlRoutes } from "./control-routes.ts";
import { addDisplayRoutes } from "./display-routes.ts";
import { addGdbRoutes } from "./gdb-routes.ts";
import { addMonitorRoutes } from "./monitor-routes.ts";
import { addPropertyRoutes } from "./property-routes.ts";
import { addQmpRoutes } from "./qmp-routes.ts";
import { addUartRoutes } from "./uart-routes.ts";

/** The channels of a board, and what works it. */
export function addChannelRoutes(server: HttpServer, scope: ChannelScope): void {
  addUartRoutes(server, scope);
  addQmpRoutes(server, scope);
  addGdbRoutes(server, scope);
  addControlRoutes(server, scope);
  addPropertyRoutes(server, scope);
  addMonitorRoutes(server, scope);
  addDisplayRoutes(server, scope);
}
