/**
 * The driver's side of the protocol to one agent: a method for each route.
 *
 * Knows bodies and status codes only; what to ask and when is the executor's.
 */
import type { JobEnd } from "../../../core/cluster/job_end.ts";
import {
  describeThrown,
  fromWireError,
  LucioleError,
  ProtocolError,
  type WireError,
} from "../../../core/errors.ts";
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import { decode, encode } from "../../cbor.ts";
import { readSequenceParts } from "../../cbor_sequence.ts";
import { pause, withDeadline } from "../../pause.ts";
import {
  type AttemptsRequest,
  CBOR,
  CBOR_SEQUENCE,
  type HeldPiece,
  type JobOrder,
  type LeaseReply,
  type LeaseRequest,
  type MessagesRequest,
  type PeersRequest,
  type PieceAnswer,
  type PiecesRequest,
  PROTOCOL,
  PROTOCOL_HEADER,
  REQUEST_HEADER,
  type ReleaseRequest,
  type RetireRequest,
  ROUTES,
  type Transport,
} from "../../protocol.ts";
import { UNREACHABLE } from "../../tcp_transport.ts";

const AGAIN_MS = 200;
/** A way that is slower than this is none. */
const LEAST_BYTES_PER_MS = 64;

export interface AgentClientOptions {
  readonly id: string;
  readonly job: string;
  readonly transport: Transport;
  /**
   * What is not answered for so long, beyond what it takes to travel, did not arrive: its connection may be dead while
   * others are alive. Missing for an agent in this process.
   */
  readonly answerMs?: number;
}

export class AgentClient {
  readonly id: string;
  readonly #transport: Transport;
  readonly #job: string;
  readonly #answerMs: number | undefined;
  readonly #left = new AbortController();
  /** Part of their names in the log of the agent. */
  #requests = 0;

  constructor(options: AgentClientOptions) {
    this.id = options.id;
    this.#job = options.job;
    this.#transport = options.transport;
    this.#answerMs = options.answerMs;
  }

  /** Gives up what is still asked without a deadline: a request to who is silent would keep the process from its end. */
  leave(): void {
    this.#left.abort(new LucioleError(UNREACHABLE, `The driver has left agent ${this.id}`));
  }

  /** Whether it is there. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#send("GET", ROUTES.agent(), undefined, signal);
  }

  async startJob(order: JobOrder, signal?: AbortSignal): Promise<void> {
    await this.#send("PUT", ROUTES.job(this.#job), order, signal);
  }

  /** Ends the job on the agent: its workers, shards and directories are gone when this resolves. */
  async endJob(end: JobEnd, signal?: AbortSignal): Promise<void> {
    await this.#send("DELETE", ROUTES.job(this.#job), end, signal);
  }

  /** Has it remove workers when they have ended what they hold. */
  async retire(workers: readonly number[], graceMs: number, signal?: AbortSignal): Promise<void> {
    const request: RetireRequest = { workers, graceMs };
    await this.#send("POST", ROUTES.retire(this.#job), request, signal);
  }

  /** Tells it where the job's agents are. */
  async setPeers(request: PeersRequest): Promise<void> {
    await this.#send("PUT", ROUTES.jobPeers(this.#job), request);
  }

  /** Tells it that another agent is gone. */
  async dropPeer(agent: string, version: number): Promise<void> {
    await this.#send("DELETE", ROUTES.peer(this.#job, agent, version));
  }

  async launch(request: AttemptsRequest): Promise<void> {
    await this.#send("POST", ROUTES.attempts(this.#job), request);
  }

  async cancel(attempts: readonly string[]): Promise<void> {
    await this.#send("POST", ROUTES.cancel(this.#job), { attempts });
  }

  async release(request: ReleaseRequest): Promise<void> {
    await this.#send("POST", ROUTES.release(this.#job), request);
  }

  async sendMessages(request: MessagesRequest): Promise<void> {
    await this.#send("POST", ROUTES.messages(this.#job), request);
  }

  /** @param isUnread Nobody reads it before it is closed. */
  async openChannel(attempt: string, isUnread = false): Promise<void> {
    const path = `${ROUTES.channel(this.#job, attempt)}${isUnread ? "?unread=true" : ""}`;
    await this.#untilHeard(() => this.#send("PUT", path));
  }

  /** Appends encoded batches; resolves when the readers have room for more. */
  async appendToChannel(attempt: string, items: Uint8Array, at: number): Promise<void> {
    const path = ROUTES.channel(this.#job, attempt, at);
    await this.#untilHeard(() => this.#answered("POST", path, items, CBOR_SEQUENCE));
  }

  async closeChannel(attempt: string): Promise<void> {
    await this.#untilHeard(() => this.#send("DELETE", ROUTES.channel(this.#job, attempt)));
  }

  /** Streams the items of a shard from a byte on; follows it while it is written. */
  async readShard(
    { attempt, partition, chunks }: HeldPiece,
    from: number,
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const path = ROUTES.shard(this.#job, attempt, partition, from, chunks);
    const response = await this.#request("GET", path, undefined, CBOR, signal);
    if (response.body === null) throw new ProtocolError(`Cannot read ${path}: the answer has no body`);
    return response.body;
  }

  /** Committed pieces: the first ones of those that are asked for. */
  async readPieces(pieces: readonly HeldPiece[], signal: AbortSignal): Promise<readonly PieceAnswer[]> {
    const asked = pieces.map(({ attempt, partition, chunks }) => {
      return { attempt, partition, ...(chunks === undefined ? {} : { chunks }) };
    });
    const body = encode({ pieces: asked } satisfies PiecesRequest);
    const response = await this.#request("POST", ROUTES.pieces(this.#job), body, CBOR, signal);
    return decode(new Uint8Array(await response.arrayBuffer())) as PieceAnswer[];
  }

  /**
   * The agent's events, in order, those together that came together, until the job ends.
   *
   * @param after How many the driver has.
   * @param onBytes Told when some of it came.
   */
  async *events(
    signal: AbortSignal,
    after?: number,
    onBytes: () => void = () => undefined,
  ): AsyncGenerator<readonly AgentEvent[]> {
    const response = await this.#request("GET", ROUTES.events(this.#job, after), undefined, CBOR, signal);
    if (response.body === null) return;
    try {
      const body = noted(response.body, onBytes);
      for await (const events of readSequenceParts(body)) yield events as AgentEvent[];
    } catch (cause) {
      const message = `Cannot hear agent ${this.id} to the end: ${describeThrown(cause)}`;
      throw new LucioleError(UNREACHABLE, message, { cause });
    }
  }

  /** Tells the agent that the driver is there, and how many events it has. @returns How many there are. */
  async renewLease(acknowledged: number, signal: AbortSignal): Promise<number> {
    const body = encode({ acknowledged } satisfies LeaseRequest);
    const answer = await this.#answered("POST", ROUTES.lease(this.#job), body, CBOR, signal);
    // An agent of an earlier version does not tell.
    return answer.byteLength === 0 ? acknowledged : (decode(answer) as LeaseReply).told;
  }

  /** Sends again what may not have arrived, until the driver leaves the agent. */
  async #untilHeard(send: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await send();
        return;
      } catch (error) {
        const isUnheard = error instanceof LucioleError && error.code === UNREACHABLE;
        if (!isUnheard || this.#left.signal.aborted) throw error;
      }
      await pause(AGAIN_MS, this.#left.signal);
    }
  }

  async #send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<void> {
    const encoded = body === undefined ? undefined : encode(body);
    await this.#answered(method, path, encoded, CBOR, signal);
  }

  /** The whole answer. @param signal In the place of the client's own deadline. */
  async #answered(
    method: string,
    path: string,
    body: Uint8Array | undefined,
    type: string,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const ask = async (until: AbortSignal): Promise<Uint8Array> => {
      const response = await this.#request(method, path, body, type, until);
      return new Uint8Array(await response.arrayBuffer());
    };
    const parent = this.#left.signal;
    if (signal !== undefined || this.#answerMs === undefined) return await ask(signal ?? parent);
    const ms = this.#answerMs + Math.ceil((body?.byteLength ?? 0) / LEAST_BYTES_PER_MS);
    return await withDeadline(ms, ask, { name: `agent ${this.id}`, parent });
  }

  async #request(
    method: string,
    path: string,
    body: Uint8Array | undefined,
    type: string,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const headers = {
      [PROTOCOL_HEADER]: String(PROTOCOL),
      [REQUEST_HEADER]: `${this.#job}-${this.#requests++}`,
      "content-type": type,
    };
    const init: RequestInit = { method, headers, signal: signal ?? this.#left.signal };
    if (body !== undefined) init.body = body as Uint8Array<ArrayBuffer>;
    const response = await this.#transport.fetch(path, init);
    if (response.ok) return response;
    const answer = new Uint8Array(await response.arrayBuffer());
    let wire: WireError;
    try {
      wire = decode(answer) as WireError;
    } catch {
      throw new ProtocolError(`Cannot ${method} ${path}: agent ${this.id} answered ${response.status}`);
    }
    throw fromWireError(wire);
  }
}

async function* noted(body: AsyncIterable<Uint8Array>, onBytes: () => void): AsyncGenerator<Uint8Array> {
  for await (const bytes of body) {
    onBytes();
    yield bytes;
  }
}
