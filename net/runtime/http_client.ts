/**
 * Sends small requests over kept connections, and gets their answers as a whole: HTTP/1.1 without TLS.
 *
 * Tasks and turns of loops ask for little and often; `fetch` and node:http take many times as long for it. Not for streams.
 * What a connection is, its runtime says.
 */
import { Buffer } from "node:buffer";
import { performance } from "node:perf_hooks";
import { type Answer, AnswerReader } from "./http_answers.ts";

/** A connection, as a runtime opens it. */
export interface Line {
  /** @returns How many of the bytes were taken; `onRoom` is told when there is room for more. */
  write(bytes: Uint8Array): number;
  /** Whether all that was taken has left this process. */
  isFlushed(): boolean;
  /** Whether it keeps the process running. */
  hold(isHeld: boolean): void;
  /** Closes it at once. */
  close(): void;
}

export interface LineEvents {
  onData(bytes: Uint8Array): void;
  onRoom(): void;
  onClose(error: Error | undefined): void;
}

/** No connection came about: nothing was sent. */
export class NotDialled extends Error {}

/** Opens one; a signal that is aborted meanwhile ends the attempt at once, and nothing of it keeps the process running. */
export type Dial = (events: LineEvents, signal: AbortSignal | null | undefined) => Promise<Line>;

export interface SmallRequest {
  readonly path: string;
  readonly method: string;
  readonly headers?: RequestInit["headers"];
  readonly body: Uint8Array;
  readonly signal?: AbortSignal | null | undefined;
}

/** Servers, and what stands before them, close connections on which nothing moves: a request might meet that end. */
const MAX_IDLE_MS = 10_000;
/** After many requests at once. */
const MAX_IDLE = 32;
/** Larger ones are not copied to be sent with their head. */
const MAX_JOINED_BYTES = 64 * 1024;
/** Characters that would begin another header, or another request. */
const UNSAFE = /[^\x20-\x7e\x80-\xff]/;
const UNSAFE_PATH = /[^\x21-\x7e]/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** One place that is asked, with the connections to it. */
export class HttpClient {
  readonly #host: string;
  readonly #dial: Dial;
  #idle: { readonly connection: Connection; readonly since: number }[] = [];

  /** @param host What is asked for, in the header of that name. */
  constructor(host: string, dial: Dial) {
    this.#host = host;
    this.#dial = dial;
  }

  /** Resolves when all of the answer is there. @throws {Error} With a system's code when the connection fails. */
  async send(request: SmallRequest): Promise<Response> {
    const { signal } = request;
    signal?.throwIfAborted();
    const head = headOf(request, this.#host);
    const connection = this.#kept() ?? (await this.#open(signal));
    const { status, headers, body, isLast } = await connection.ask(head, request.body, signal);
    if (isLast) connection.close();
    this.#keep(connection);
    const isEmpty = status === 204 || status === 304;
    return new Response(isEmpty ? null : (body as Uint8Array<ArrayBuffer>), { status, headers });
  }

  /** Nobody who is silent is waited for after an abort. */
  #open(signal: AbortSignal | null | undefined): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const opened = (connection: Connection): void => {
        signal?.removeEventListener("abort", onAbort);
        if (signal?.aborted === true) connection.close();
        else resolve(connection);
      };
      Connection.open(this.#dial, signal).then(opened, (error) => {
        signal?.removeEventListener("abort", onAbort);
        reject(error);
      });
    });
  }

  /** The ones that were used last are used next. */
  #keep(connection: Connection): void {
    const now = performance.now();
    const oldest = this.#idle.at(0);
    if (oldest !== undefined && (this.#idle.length >= MAX_IDLE || now - oldest.since > MAX_IDLE_MS)) {
      oldest.connection.close();
      this.#idle.shift();
    }
    if (connection.isOpen) this.#idle.push({ connection, since: now });
  }

  #kept(): Connection | undefined {
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      if (last.connection.isOpen && performance.now() - last.since < MAX_IDLE_MS) return last.connection;
      last.connection.close();
    }
    return undefined;
  }
}

/** One request at a time. */
class Connection implements LineEvents {
  #line: Line | undefined;
  #answers = new AnswerReader();
  #unsent: Uint8Array[] = [];
  #asked: PromiseWithResolvers<Answer> | undefined;
  #isClosed = false;

  static async open(dial: Dial, signal: AbortSignal | null | undefined): Promise<Connection> {
    const connection = new Connection();
    connection.#line = await dial(connection, signal);
    return connection;
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  async ask(head: Uint8Array, body: Uint8Array, signal: AbortSignal | null | undefined): Promise<Answer> {
    const onAbort = (): void => this.#end(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      if (this.#isClosed) throw broken();
      signal?.throwIfAborted();
      this.#line?.hold(true);
      const asked = Promise.withResolvers<Answer>();
      this.#asked = asked;
      this.#unsent = body.byteLength > MAX_JOINED_BYTES ? [head, body] : [Buffer.concat([head, body])];
      this.onRoom();
      return await asked.promise;
    } catch (error) {
      this.close();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#asked = undefined;
      this.#line?.hold(false);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#line?.close();
  }

  onRoom(): void {
    for (let bytes = this.#unsent[0]; bytes !== undefined; bytes = this.#unsent[0]) {
      const taken = this.#line?.write(bytes) ?? 0;
      if (taken < 0) {
        this.#end(broken());
        return;
      }
      if (taken < bytes.byteLength) {
        this.#unsent[0] = bytes.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
  }

  onData(bytes: Uint8Array): void {
    if (this.#asked === undefined) {
      // Nobody asked.
      this.close();
      return;
    }
    try {
      const answer = this.#answers.take(bytes);
      if (answer === undefined) return;
      // Who answers before it has all of the request will take no other one.
      if (this.#unsent.length > 0 || this.#line?.isFlushed() !== true) this.close();
      this.#asked.resolve(answer);
      this.#asked = undefined;
    } catch (error) {
      this.#end(error);
    }
  }

  onClose(error: Error | undefined): void {
    const answer = this.#answers.end(error !== undefined);
    if (answer !== undefined) this.#asked?.resolve(answer);
    this.#end(error ?? broken());
  }

  #end(error: unknown): void {
    this.#asked?.reject(error);
    this.close();
  }
}

/** @throws {TypeError} When a part of it would be read as something else. */
function headOf({ method, path, headers, body }: SmallRequest, host: string): Uint8Array {
  if (UNSAFE_PATH.test(path)) throw new TypeError(`Cannot ask for ${JSON.stringify(path)}: it is no path`);
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${body.byteLength}\r\n`;
  const all = headers instanceof Headers || Array.isArray(headers) ? headers : Object.entries(headers ?? {});
  for (const [name, value] of all) {
    if (!NAME.test(name)) throw new TypeError(`Cannot send header ${JSON.stringify(name)}: it is no name`);
    if (UNSAFE.test(value)) throw new TypeError(`Cannot send header ${name}: its value is malformed`);
    text += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, "latin1");
}

function broken(): Error {
  return Object.assign(new Error("The connection was closed before the answer was complete"), {
    code: "ECONNRESET",
  });
}
