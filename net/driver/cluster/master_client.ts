/**
 * The driver's side of the protocol to the masters: any of several, which know the same.
 *
 * Goes on with the next master when one is of no use, and stays with one that is. What is
 * asked and when is the caller's business.
 */
import { randomUUID } from "node:crypto";
import type { ClusterJob, ClusterView } from "../../../core/cluster/agent_info.ts";
import type { Placement, PlacementRequest } from "../../../core/cluster/placement.ts";
import { MASTER_ROUTES, type MasterHealth } from "../../cluster_protocol.ts";
import {
  askMaster,
  type LinkFailure,
  linkError,
  type MasterLink,
  type MasterRequest,
} from "../../master_request.ts";

export interface MasterClientOptions {
  /** The first is asked first. */
  readonly masters: readonly MasterLink[];
  /** How long an answer may take, beyond what it was asked to wait. */
  readonly timeoutMs?: number;
}

export interface PlaceOptions {
  /** How long the master may wait for slots, before it answers that there are none. Default 0. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

type Ask = Omit<MasterRequest, "id" | "timeoutMs">;

const TIMEOUT_MS = 10_000;

export class MasterClient {
  readonly #masters: readonly MasterLink[];
  readonly #timeoutMs: number;
  /** Part of the ids of its requests. */
  readonly #name = randomUUID().slice(0, 8);
  #requests = 0;
  /** Of the master that answered last. */
  #at = 0;

  constructor({ masters, timeoutMs = TIMEOUT_MS }: MasterClientOptions) {
    this.#masters = masters;
    this.#timeoutMs = timeoutMs;
  }

  /** Of the master that answered last. */
  get address(): string {
    return this.#masters[this.#at]?.address ?? "";
  }

  /** Asks for slots; `missing` is not 0 when there are fewer. @throws {LucioleError} When no master can be used. */
  async place(request: PlacementRequest, { waitMs = 0, signal }: PlaceOptions = {}): Promise<Placement> {
    const body = waitMs === 0 ? request : { ...request, waitMs };
    const ask = { method: "POST", path: MASTER_ROUTES.placements(), body } as const;
    return (await this.#ask(signal === undefined ? ask : { ...ask, signal }, waitMs)) as Placement;
  }

  async cluster(): Promise<ClusterView> {
    return (await this.#ask({ method: "GET", path: MASTER_ROUTES.cluster() })) as ClusterView;
  }

  async jobs(): Promise<readonly ClusterJob[]> {
    return (await this.#ask({ method: "GET", path: MASTER_ROUTES.jobs() })) as readonly ClusterJob[];
  }

  async health(): Promise<MasterHealth> {
    return (await this.#ask({ method: "GET", path: MASTER_ROUTES.health() })) as MasterHealth;
  }

  async #ask(request: Ask, waitMs = 0): Promise<unknown> {
    const failures: LinkFailure[] = [];
    const id = `${this.#name}-${this.#requests++}`;
    for (let tries = 0; tries < this.#masters.length; tries++) {
      const link = this.#masters[this.#at];
      if (link === undefined) break;
      const answer = await askMaster(link, { ...request, id, timeoutMs: this.#timeoutMs + waitMs });
      if (answer.kind === "answer") return answer.value;
      failures.push(answer.failure);
      this.#at = (this.#at + 1) % this.#masters.length;
    }
    throw linkError(failures);
  }
}
