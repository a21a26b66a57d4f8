/**
 * A worker's requests to its agent: a method for each route it uses.
 *
 * The worker only dials out. It knows nothing of tasks.
 */
import { fromWireError, ProtocolError, type WireError } from "../../core/errors.ts";
import { decode, encode } from "../cbor.ts";
import type { Mail } from "../mail.ts";
import {
  CBOR,
  type HeldPiece,
  type NextReply,
  type NextRequest,
  type PeersReply,
  type PieceAnswer,
  PROTOCOL,
  PROTOCOL_HEADER,
  ROUTES,
  type Transport,
  type WorkerReport,
} from "../protocol.ts";

const HEADERS = { [PROTOCOL_HEADER]: String(PROTOCOL), "content-type": CBOR };

export class AgentLink {
  readonly #transport: Transport;
  readonly #job: string;
  readonly #worker: number;

  constructor(options: { readonly transport: Transport; readonly job: string; readonly worker: number }) {
    this.#transport = options.transport;
    this.#job = options.job;
    this.#worker = options.worker;
  }

  async next(request: Omit<NextRequest, "job">): Promise<NextReply> {
    return (await this.#post(ROUTES.next(this.#worker), { job: this.#job, ...request })) as NextReply;
  }

  async report(events: readonly WorkerReport[]): Promise<void> {
    await this.#post(ROUTES.report(this.#worker), { job: this.#job, events });
  }

  /** Small shards that the agent keeps in memory: the first ones of those that are asked for. */
  async held(pieces: readonly HeldPiece[], signal: AbortSignal): Promise<readonly (Uint8Array | null)[]> {
    const answer = await this.#post(ROUTES.held(this.#worker), { job: this.#job, pieces }, signal);
    return answer as (Uint8Array | null)[];
  }

  /** Resolves when the writer of a followed shard may go on. */
  async written(attempt: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
    await this.#post(ROUTES.written(this.#worker), { job: this.#job, attempt, sizeBytes }, signal);
  }

  control(): Promise<ReadableStream<Uint8Array>> {
    return this.#stream(ROUTES.control(this.#worker, this.#job));
  }

  /** Hands in mail for other workers; resolves when there is room for more. */
  async sendMail(mail: readonly Mail[]): Promise<void> {
    await this.#post(ROUTES.workerMail(this.#worker), { job: this.#job, mail });
  }

  /** Mail of other workers, as it comes. */
  mail(): Promise<ReadableStream<Uint8Array>> {
    return this.#stream(ROUTES.workerMail(this.#worker, this.#job));
  }

  /** Where the other agents of the job are. */
  async peers(): Promise<PeersReply> {
    const path = ROUTES.peers(this.#worker, this.#job);
    return decode(await bytesOf(await this.#get(path))) as PeersReply;
  }

  /** The body of a shard's partition, from a byte on, on this agent or on the one that `transport` reaches. */
  shard(
    { attempt, partition, chunks }: HeldPiece,
    from: number,
    signal: AbortSignal,
    transport = this.#transport,
  ): Promise<ReadableStream<Uint8Array>> {
    return this.#stream(ROUTES.shard(this.#job, attempt, partition, from, chunks), signal, transport);
  }

  /** Committed pieces on another agent: the first ones of those that are asked for. */
  async pieces(
    pieces: readonly HeldPiece[],
    signal: AbortSignal,
    transport: Transport,
  ): Promise<readonly PieceAnswer[]> {
    return (await this.#post(ROUTES.pieces(this.#job), { pieces }, signal, transport)) as PieceAnswer[];
  }

  async #stream(
    path: string,
    signal?: AbortSignal,
    transport?: Transport,
  ): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#get(path, signal, transport);
    if (response.body === null) throw new ProtocolError(`Cannot read ${path}: the answer has no body`);
    return response.body;
  }

  async #get(path: string, signal?: AbortSignal, transport = this.#transport): Promise<Response> {
    const init: RequestInit = { headers: HEADERS };
    if (signal !== undefined) init.signal = signal;
    return checked(path, await transport.fetch(path, init));
  }

  async #post(
    path: string,
    body: object,
    signal?: AbortSignal,
    transport = this.#transport,
  ): Promise<unknown> {
    const init: RequestInit = {
      method: "POST",
      headers: HEADERS,
      body: encode(body) as Uint8Array<ArrayBuffer>,
    };
    if (signal !== undefined) init.signal = signal;
    const response = await checked(path, await transport.fetch(path, init));
    const answer = await bytesOf(response);
    return answer.byteLength === 0 ? undefined : decode(answer);
  }
}

async function checked(path: string, response: Response): Promise<Response> {
  if (response.ok) return response;
  const answer = await bytesOf(response);
  let wire: WireError;
  try {
    wire = decode(answer) as WireError;
  } catch {
    throw new ProtocolError(`Cannot ask for ${path}: the agent answered ${response.status}`);
  }
  throw fromWireError(wire);
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}
