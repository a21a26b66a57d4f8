/**
 * What clients ask of agents about detached drivers: to run one, what it prints, and its end.
 *
 * A method for each route. Which agent is asked, and when, is the caller's business.
 */
import { randomUUID } from "node:crypto";
import { fromWireError, LucioleError, ProtocolError, type WireError } from "../../../core/errors.ts";
import { decode } from "../../cbor.ts";
import { readSequence } from "../../cbor_sequence.ts";
import { systemCode } from "../../connection_failure.ts";
import { DRIVER_ROUTES, type DriverOrder, type DriverReply, type OutputItem } from "../../driver_protocol.ts";
import { askMaster } from "../../master_request.ts";
import { PROTOCOL, PROTOCOL_HEADER, type Transport } from "../../protocol.ts";
import { IDLE_MS } from "../../resumed_body.ts";

/** An agent that can be asked. */
export interface AgentLine {
  readonly id: string;
  readonly address: string;
  readonly transport: Transport;
}

const LOOK_MS = 5_000;
/** It may have to look at a large executable first. */
const START_MS = 60_000;
/** Ending a driver waits for its clean-up. */
const END_MS = 30_000;
/** An agent of which nothing comes is asked so often whether it is there. */
const PROBE_MS = 5_000;

/** How long it waits; for tests. */
export interface OutputWaits {
  readonly probeMs?: number;
  readonly idleMs?: number;
}

export class DetachedClient {
  readonly #agent: AgentLine;
  readonly #job: string;
  readonly #probeMs: number;
  readonly #idleMs: number;

  constructor(agent: AgentLine, job: string, { probeMs = PROBE_MS, idleMs = IDLE_MS }: OutputWaits = {}) {
    this.#agent = agent;
    this.#job = job;
    this.#probeMs = probeMs;
    this.#idleMs = idleMs;
  }

  /** May be repeated. @throws {NotEnoughResourcesError} @throws {ProgramMissingError} When it must be sent first. */
  async start(order: DriverOrder, signal: AbortSignal): Promise<void> {
    await this.#ask("PUT", DRIVER_ROUTES.driver(this.#job), { timeoutMs: START_MS, body: order, signal });
  }

  /** @param guard The agent that asks, when it guards it. @throws {LucioleError} code "not-found" when it is not there any more. */
  async look(guard?: string): Promise<DriverReply> {
    const path = DRIVER_ROUTES.driver(this.#job, guard);
    // Less than after which masters take an agent for lost, which a guard then waits for.
    return (await this.#ask("GET", path, { timeoutMs: LOOK_MS })) as DriverReply;
  }

  /** Its process is gone when this resolves; fine when there is none. @param by Kept as the cause of its end. */
  async end(by: string): Promise<void> {
    const path = `${DRIVER_ROUTES.driver(this.#job)}?by=${encodeURIComponent(by)}`;
    await this.#ask("DELETE", path, { timeoutMs: END_MS });
  }

  /**
   * What it prints, from a position on. One that is followed ends early when nothing comes for long: the connection may
   * be dead though its agent is well, so it is to be asked for again.
   *
   * @throws {LucioleError} code "not-found"; code "unreachable" when it breaks off, or the agent answers nothing more.
   */
  async *output(from: number, isFollowed: boolean, signal: AbortSignal): AsyncGenerator<OutputItem> {
    // A stream on which nothing comes does not tell that its agent is gone.
    const silent = new AbortController();
    const idle = new AbortController();
    const probe = setInterval(() => this.look().catch((error) => silent.abort(error)), this.#probeMs);
    let heardAt = performance.now();
    const watch = setInterval(() => {
      if (isFollowed && performance.now() - heardAt >= this.#idleMs) idle.abort();
    }, this.#idleMs / 4);
    try {
      const ends = [signal, silent.signal, idle.signal];
      for await (const item of this.#output(from, isFollowed, AbortSignal.any(ends))) {
        heardAt = performance.now();
        yield item;
      }
    } catch (error) {
      if (silent.signal.aborted) throw silent.signal.reason;
      if (!idle.signal.aborted || signal.aborted) throw this.#brokenBy(error);
    } finally {
      clearInterval(probe);
      clearInterval(watch);
    }
  }

  /** Errors of runtimes say how to call fetch. */
  #brokenBy(error: unknown): unknown {
    if (!(error instanceof Error) || systemCode(error) === "") return error;
    if (error instanceof LucioleError) return error;
    const { id, address } = this.#agent;
    const message = `Cannot read on from agent ${id} at ${address}: the connection broke`;
    return new LucioleError("unreachable", message, { cause: error, retryable: true });
  }

  async *#output(from: number, isFollowed: boolean, signal: AbortSignal): AsyncGenerator<OutputItem> {
    const path = DRIVER_ROUTES.output(this.#job, from, isFollowed);
    const headers = { [PROTOCOL_HEADER]: String(PROTOCOL) };
    const response = await this.#agent.transport.fetch(path, { method: "GET", headers, signal });
    const { body } = response;
    if (!response.ok) throw await errorOf(response, this.#agent.id);
    if (body === null) throw new ProtocolError(`Cannot read ${path}: the answer has no body`);
    yield* readSequence(body) as AsyncGenerator<OutputItem>;
  }

  async #ask(
    method: "GET" | "PUT" | "DELETE",
    path: string,
    options: { readonly timeoutMs: number; readonly body?: unknown; readonly signal?: AbortSignal },
  ): Promise<unknown> {
    const answer = await askMaster(this.#agent, { method, path, id: randomUUID().slice(0, 8), ...options });
    if (answer.kind === "answer") return answer.value;
    const { id, address } = this.#agent;
    const { code, reason, why, cause } = answer.failure;
    const message = `Cannot ask agent ${id} at ${address}: ${why}`;
    const retryable = code === "unreachable";
    throw new LucioleError(code, message, { fields: { address, reason }, cause, retryable });
  }
}

async function errorOf(response: Response, agent: string): Promise<Error> {
  try {
    return fromWireError(decode(new Uint8Array(await response.arrayBuffer())) as WireError);
  } catch {
    return new ProtocolError(`Cannot read of agent ${agent}: it answered ${response.status}`);
  }
}
