/**
 * The part of the protocol that a master answers: its routes and bodies.
 *
 * Same rules as net/protocol.ts. docs/protocol.md shows both.
 */
import type { PlacementRequest } from "../core/cluster/placement.ts";

/** Answer of `POST /v1/heartbeats`. */
export interface HeartbeatReply {
  /** Id of the master. */
  readonly master: string;
  /** When the next heartbeat is due, should nothing change before. */
  readonly intervalMs: number;
}

/** Body of `POST /v1/placements`. */
export interface PlacementAsk extends PlacementRequest {
  /** The answer may take so long, should there be no place at once; at most MAX_WAIT_MS. Default 0. */
  readonly waitMs?: number;
}

/** Answer of `GET /v1/health`. */
export interface MasterHealth {
  readonly role: "master";
  readonly id: string;
  readonly version: string;
  readonly uptimeMs: number;
  /** Agents that are alive. */
  readonly agents: number;
}

export const MAX_WAIT_MS = 60_000;

export const MASTER_ROUTES = {
  heartbeats: () => "/v1/heartbeats",
  placements: () => "/v1/placements",
  cluster: () => "/v1/cluster",
  jobs: () => "/v1/jobs",
  health: () => "/v1/health",
} as const;
