import { z } from "zod";
import type { HttpServer } from "../../http/server.ts";
import { askGuestMonitor } from "../monitor/guest-monitor.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";

const monitorBody = z.strictObject({
  command: z.string().max(1_024).describe("A line for the monitor, such as info registers."),
  cpu: z.number().int().min(0).max(255).optional().describe("CPU that it is about; default: the first."),
});

export function addMonitorRoutes({ app }: HttpServer, { path, owner }: ChannelScope): void {
  app.post(`${path}/:id/monitor`, { schema: { params: ownerParams, body: monitorBody } }, async ({ params, body }) => ({
    output: await askGuestMonitor(owner(params.id).guest, body.command, body.cpu),
  }));
}
