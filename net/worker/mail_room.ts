/**
 * The mail of one worker: what its program sends and receives, by way of its agent or on lines to workers beside it.
 *
 * Letters that wait go together, one request at a time. What comes for a gang before its order does is kept; what comes
 * for one that is over is passed over.
 */
import type { GangOrder, Letter } from "../../core/collectives/letter.ts";
import type { GangPort } from "../../core/exec/ports.ts";
import { readSequence } from "../cbor_sequence.ts";
import { MAIL_BYTES, type Mail, mailBytes } from "../mail.ts";
import { GangPost, helloOf } from "./gang_post.ts";
import { decodeValue, encodeValue } from "./vector_codec.ts";
import { type IncomingLine, WorkerLines } from "./worker_lines.ts";

export interface MailRoomOptions {
  send(mail: readonly Mail[]): Promise<void>;
  /** Opens the stream of what comes. */
  open(): Promise<ReadableStream<Uint8Array>>;
  /** The agent is gone. */
  readonly onLost: (error: unknown) => void;
  /** Where lines to other workers may be opened; without it all mail goes by way of the agent. */
  readonly lines?: { readonly directory: string; readonly worker: number };
  /** See GangPostOptions. */
  readonly lostMs?: number;
}

/** Gangs whose orders have not come, and those that are over, which are remembered. */
const MAX_EARLY = 16;
const MAX_OVER = 256;

export class MailRoom {
  readonly #options: MailRoomOptions;
  readonly #lines: WorkerLines | undefined;
  #waiting: Mail[] = [];
  #isSending = false;
  #isListening = false;
  /** By gang. */
  readonly #posts = new Map<string, GangPost>();
  readonly #early = new Map<string, Mail[]>();
  readonly #over = new Set<string>();

  constructor(options: MailRoomOptions) {
    this.#options = options;
    if (options.lines === undefined) return;
    this.#lines = new WorkerLines({
      ...options.lines,
      onLine: (hello, line) => this.#accept(hello, line),
      onBroken: options.onLost,
    });
  }

  /** The way to the members of a gang that this worker belongs to. */
  portOf(order: GangOrder): GangPort {
    void this.#listen();
    const { id, rank, members, epoch } = order;
    let listener = (_from: number, _letter: Letter): void => undefined;
    const post = this.#postOf(order, (from, letter) => listener(from, letter));
    const later = (ms: number, callback: () => void): (() => void) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    };
    return {
      rank,
      workers: members,
      epoch,
      ports: {
        encode: encodeValue,
        decode: decodeValue,
        post: (to, letter) => post.send(to, letter),
        later,
      },
      join: (wanted) => {
        listener = wanted;
        this.#posts.set(id, post);
        for (const mail of this.#early.get(id) ?? []) post.hear(mail);
        this.#early.delete(id);
      },
    };
  }

  /** The attempt is over. */
  leave(gang: string): void {
    this.#posts.get(gang)?.end();
    this.#posts.delete(gang);
    this.#early.delete(gang);
    this.#over.add(gang);
    if (this.#over.size > MAX_OVER) dropOldest(this.#over);
  }

  /** Nothing more is heard of any gang. */
  close(): void {
    for (const post of this.#posts.values()) post.end();
    this.#lines?.close();
  }

  #postOf({ id, rank, members }: GangOrder, listener: (from: number, letter: Letter) => void): GangPost {
    const lines = this.#lines;
    const { lostMs } = this.#options;
    const options = {
      ...(lostMs === undefined ? {} : { lostMs }),
      gang: id,
      rank,
      size: members.length,
      isNear: (other: number) => lines !== undefined && members[other].agent === members[rank].agent,
      address: () => lines?.address() ?? Promise.resolve(undefined),
      dial: (...call: Parameters<WorkerLines["dial"]>) => lines?.dial(...call),
    };
    const post: ConstructorParameters<typeof GangPost>[0]["post"] = (to, letter) => {
      const { agent, worker } = members[to];
      this.#post({ ...letter, gang: id, from: rank, agent, worker });
    };
    return new GangPost({ ...options, post }, listener);
  }

  #post(mail: Mail): void {
    this.#waiting.push(mail);
    if (this.#isSending) return;
    this.#isSending = true;
    // Not at once: what the program sends in the same turn goes with it.
    queueMicrotask(() => void this.#send());
  }

  async #send(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        let count = 0;
        for (let size = 0; count < this.#waiting.length && (count === 0 || size < MAIL_BYTES); count += 1) {
          size += mailBytes(this.#waiting[count]);
        }
        await this.#options.send(this.#waiting.splice(0, count));
      }
      this.#isSending = false;
    } catch (error) {
      this.#options.onLost(error);
    }
  }

  async #listen(): Promise<void> {
    if (this.#isListening) return;
    this.#isListening = true;
    try {
      for await (const mail of readSequence(await this.#options.open())) this.#take(mail as Mail);
    } catch (error) {
      this.#options.onLost(error);
    }
  }

  #take(mail: Mail): void {
    const { gang } = mail;
    const post = this.#posts.get(gang);
    if (post !== undefined) {
      post.hear(mail);
      return;
    }
    if (this.#over.has(gang)) return;
    const early = this.#early.get(gang);
    if (early !== undefined) early.push(mail);
    else this.#early.set(gang, [mail]);
    if (this.#early.size > MAX_EARLY) dropOldest(this.#early);
  }

  /** Only who was told by a member of the gang where to dial does so: it is over when it is not known. */
  #accept(value: unknown, line: IncomingLine): boolean {
    const hello = helloOf(value);
    return this.#posts.get(hello.gang)?.accept(hello, line) === true;
  }
}

function dropOldest(kept: { keys(): Iterator<string>; delete(key: string): boolean }): void {
  const { value, done } = kept.keys().next();
  if (done !== true) kept.delete(value);
}
