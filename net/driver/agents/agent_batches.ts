/**
 * Orders, what they refer to, and releases, on their way to the agents: what comes together goes in one request.
 *
 * Orders go at once. Releases wait a moment, so that those of one turn of a loop go with the orders of the next.
 */
import type { Definitions, TaskOrder } from "../../../core/schedule/attempts/order.ts";
import type { Forgotten, ToldDefinitions } from "../../../core/schedule/told_definitions.ts";
import type { AttemptsRequest, ReleaseRequest } from "../../protocol.ts";
import type { AgentClient } from "./agent_client.ts";
import type { AgentRequests } from "./agent_requests.ts";

/** Of releases that no order follows. */
const RELEASE_MS = 10;
const NOTHING: ReleaseRequest = { attempts: [], executions: [] };

interface Batch {
  readonly orders: TaskOrder[];
  readonly attempts: string[];
  readonly executions: string[];
  readonly templates: string[];
  isQueued: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class AgentBatches {
  readonly #requests: AgentRequests;
  readonly #definitions: ToldDefinitions;
  readonly #onLost: (agent: string, attempts: readonly string[], error: unknown) => void;
  /** Those that may still grow. */
  readonly #open = new Map<string, Batch>();
  #isEnding = false;

  /** @param onLost Told of attempts that an agent did not take. */
  constructor(
    requests: AgentRequests,
    definitions: ToldDefinitions,
    onLost: (agent: string, attempts: readonly string[], error: unknown) => void,
  ) {
    this.#requests = requests;
    this.#definitions = definitions;
    this.#onLost = onLost;
  }

  launch(agent: string, orders: readonly TaskOrder[]): void {
    const batch = this.#batchOf(agent);
    batch.orders.push(...orders);
    this.#queue(agent, batch);
  }

  release(agent: string, attempts: readonly string[]): void {
    const batch = this.#batchOf(agent);
    batch.attempts.push(...attempts);
    this.#later(agent, batch);
  }

  forget({ agent, executions, templates }: Forgotten): void {
    const batch = this.#batchOf(agent);
    batch.executions.push(...executions);
    batch.templates.push(...templates);
    this.#later(agent, batch);
  }

  /** Queues another request behind all of this. */
  queue(agent: string, send: (client: AgentClient) => Promise<void>): void {
    const batch = this.#open.get(agent);
    if (batch !== undefined) this.#queue(agent, batch);
    this.#open.delete(agent);
    this.#requests.queue(agent, send);
  }

  /** The agent is gone. */
  dropAgent(agent: string): void {
    clearTimeout(this.#open.get(agent)?.timer);
    this.#open.delete(agent);
    this.#definitions.dropAgent(agent);
  }

  /** Nothing more is sent. */
  beginEnd(): void {
    this.#isEnding = true;
    for (const { timer } of this.#open.values()) clearTimeout(timer);
    this.#open.clear();
  }

  #batchOf(agent: string): Batch {
    let batch = this.#open.get(agent);
    if (batch === undefined) {
      batch = { orders: [], attempts: [], executions: [], templates: [], isQueued: false, timer: undefined };
      this.#open.set(agent, batch);
    }
    return batch;
  }

  #later(agent: string, batch: Batch): void {
    if (!batch.isQueued && !this.#isEnding)
      batch.timer ??= setTimeout(() => this.#queue(agent, batch), RELEASE_MS);
  }

  #queue(agent: string, batch: Batch): void {
    clearTimeout(batch.timer);
    if (batch.isQueued) return;
    batch.isQueued = true;
    let request: (AttemptsRequest & Definitions) | undefined;
    this.#requests.queue(
      agent,
      async (client) => {
        // It may be sent again, as it is.
        request ??= this.#close(agent, batch);
        await (request.orders.length > 0
          ? client.launch(request)
          : client.release(request.release ?? NOTHING));
      },
      (error) => {
        if (request === undefined || request.orders.length === 0) return;
        this.#definitions.untell(agent, request);
        const attempts = request.orders.map(({ attempt }) => attempt);
        this.#onLost(agent, attempts, error);
      },
    );
  }

  #close(agent: string, batch: Batch): AttemptsRequest & Definitions {
    if (this.#open.get(agent) === batch) this.#open.delete(agent);
    const { orders, attempts, executions, templates } = batch;
    const told = this.#definitions.tell(agent, new Set(orders.map(({ execution }) => execution)));
    const isRelease = attempts.length + executions.length + templates.length > 0;
    return { orders, ...told, ...(isRelease ? { release: { attempts, executions, templates } } : {}) };
  }
}
