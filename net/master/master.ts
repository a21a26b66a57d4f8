/**
 * The master as a hono app: heartbeats of agents in, places for jobs and views of the cluster out.
 *
 * Holds soft state only, so it may be ended and started at any time. Who may use its routes
 * is the business of whoever serves it.
 */
import type { Hono } from "hono";
import type { ClusterView } from "../../core/cluster/agent_info.ts";
import { createApp, type Role } from "../app.ts";
import type { HeartbeatReply, MasterHealth } from "../cluster_protocol.ts";
import { readFields } from "../fields.ts";
import { value } from "../replies.ts";
import { heartbeat, MAX_MASTER_BODY_BYTES, placementAsk } from "./bodies.ts";
import { ClusterState } from "./cluster_state.ts";

export interface MasterOptions {
  readonly id: string;
  /** Of the engine. */
  readonly version: string;
  /** How often agents are to be heard of. */
  readonly intervalMs?: number;
  /** An agent is lost when nothing was heard of it for this long. */
  readonly lostMs?: number;
  /** Told what an operator may want to know, in one line. */
  readonly onNotice?: (text: string) => void;
  /** Told of requests that are refused or fail. */
  readonly onFailure?: (line: string) => void;
  /** In milliseconds, never going back. */
  readonly clock?: () => number;
}

export interface Master {
  readonly app: Hono;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Answers whoever waits, and ends the timer. Safe to call twice. */
  close(): void;
}

export const INTERVAL_MS = 2_000;
export const LOST_MS = 10_000;

export function createMaster(options: MasterOptions): Master {
  const { id, version, intervalMs = INTERVAL_MS, lostMs = LOST_MS } = options;
  const { onNotice = () => undefined, clock = () => performance.now() } = options;
  const role: Role = "master";
  const app = createApp(role, options.onFailure);
  const state = new ClusterState({ lostMs, onNotice, clock });
  const startedAt = clock();
  const uptimeMs = () => Math.round(clock() - startedAt);
  app.post("/v1/heartbeats", async (context) => {
    state.hear(heartbeat(await readFields(context.req.raw, MAX_MASTER_BODY_BYTES)));
    return value({ master: id, intervalMs } satisfies HeartbeatReply);
  });
  app.post("/v1/placements", async (context) => {
    const { raw } = context.req;
    const { waitMs = 0, ...request } = placementAsk(await readFields(raw, MAX_MASTER_BODY_BYTES));
    return value(await state.place(request, { waitMs, signal: raw.signal }));
  });
  app.get("/v1/cluster", () =>
    value({ master: { id, version, uptimeMs: uptimeMs() }, agents: state.agents() } satisfies ClusterView),
  );
  app.get("/v1/jobs", () => value(state.jobs()));
  app.get("/v1/health", () =>
    value({ role, id, version, uptimeMs: uptimeMs(), agents: state.aliveAgents } satisfies MasterHealth),
  );
  return { app, fetch: (request) => app.fetch(request), close: () => state.close() };
}
