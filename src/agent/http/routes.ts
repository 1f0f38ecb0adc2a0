import { FarmError } from "../../core/error/farm-error.ts";
import type { HttpServer } from "../../http/server.ts";
import type { AgentParts } from "../agent-parts.ts";
import { addAttemptRoutes } from "./attempt-routes.ts";
import { addCertificateRoutes } from "./certificate-routes.ts";
import { addChannelRoutes } from "./channel-routes.ts";
import type { ChannelScope } from "./channel-scope.ts";
import { addEventRoutes } from "./event-routes.ts";
import { addFirmwareRoutes } from "./firmware-routes.ts";
import { addInfoRoutes } from "./info-routes.ts";
import { addInstanceRoutes } from "./instance-routes.ts";
import { countInstanceUse } from "./instance-use.ts";

/** The agent's API, version 1. */
export function addRoutes(server: HttpServer, parts: AgentParts): void {
  const { attempts, instances } = parts;
  countInstanceUse(server.app, parts);
  addInfoRoutes(server.app, parts);
  addCertificateRoutes(server.app, parts);
  addEventRoutes(server, parts);
  addAttemptRoutes(server.app, parts);
  addFirmwareRoutes(server.app, parts);
  addInstanceRoutes(server.app, parts);
  const ofInstances: ChannelScope = {
    path: "/v1/instances",
    owner: (uid) => instances.board(uid),
    readLog: (uid, uart, range) => instances.readLog(uid, uart, range),
  };
  const ofAttempts: ChannelScope = {
    path: "/v1/attempts",
    owner(id) {
      const attempt = attempts.running(id);
      if (!attempt) throw new FarmError("NotFound", { kind: "running attempt", name: id });
      return attempt;
    },
    readLog: (id, uart, range) => attempts.readLog(id, uart, range),
  };
  for (const scope of [ofInstances, ofAttempts]) addChannelRoutes(server, scope, parts);
}
