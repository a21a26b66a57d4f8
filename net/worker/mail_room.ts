/**
 * The mail of one worker: what its program sends and receives, by way of its agent.
 *
 * Letters that wait go together, one request at a time. What comes for a gang before its order does is kept; what comes
 * for one that is over is passed over.
 */
import type { GangOrder, Letter } from "../../core/collectives/letter.ts";
import type { GangPort } from "../../core/exec/ports.ts";
import { decode, encode } from "../cbor.ts";
import { readSequence } from "../cbor_sequence.ts";
import { MAIL_BYTES, type Mail, mailBytes } from "../mail.ts";

export interface MailRoomOptions {
  send(mail: readonly Mail[]): Promise<void>;
  /** Opens the stream of what comes. */
  open(): Promise<ReadableStream<Uint8Array>>;
  /** The agent is gone. */
  readonly onLost: (error: unknown) => void;
}

type Listener = (from: number, letter: Letter) => void;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
/** Tag 86, then a byte string with its length in four bytes. */
const TAG_FLOAT64 = 0xd856;
const BYTES_OF_32_BITS = 0x5a;
const VECTOR_HEAD = 7;

/** Gangs whose orders have not come, and those that are over, which are remembered. */
const MAX_EARLY = 16;
const MAX_OVER = 256;

export class MailRoom {
  readonly #options: MailRoomOptions;
  #waiting: Mail[] = [];
  #isSending = false;
  #isListening = false;
  readonly #listeners = new Map<string, Listener>();
  /** By gang. */
  readonly #early = new Map<string, Mail[]>();
  readonly #over = new Set<string>();

  constructor(options: MailRoomOptions) {
    this.#options = options;
  }

  /** The way to the members of a gang that this worker belongs to. */
  portOf({ id, rank, members, epoch }: GangOrder): GangPort {
    void this.#listen();
    const post = (to: number, letter: Letter): void => {
      const { agent, worker } = members[to];
      this.#post({ ...letter, gang: id, from: rank, agent, worker });
    };
    const later = (ms: number, callback: () => void): (() => void) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    };
    return {
      rank,
      workers: members,
      epoch,
      ports: { encode: encodeValue, decode, post, later },
      join: (listener) => {
        this.#listeners.set(id, listener);
        for (const mail of this.#early.get(id) ?? []) listener(mail.from, mail);
        this.#early.delete(id);
      },
    };
  }

  /** The attempt is over. */
  leave(gang: string): void {
    this.#listeners.delete(gang);
    this.#early.delete(gang);
    this.#over.add(gang);
    if (this.#over.size > MAX_OVER) dropOldest(this.#over);
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
    const { gang, from } = mail;
    const listener = this.#listeners.get(gang);
    if (listener !== undefined) {
      listener(from, mail);
      return;
    }
    if (this.#over.has(gang)) return;
    const early = this.#early.get(gang);
    if (early !== undefined) early.push(mail);
    else this.#early.set(gang, [mail]);
    if (this.#early.size > MAX_EARLY) dropOldest(this.#early);
  }
}

/** Vectors of doubles are what is long: as the codec writes them (RFC 8746), without its many small steps. */
function encodeValue(value: unknown): Uint8Array {
  if (!(value instanceof Float64Array) || !IS_LITTLE_ENDIAN) return encode(value);
  const bytes = new Uint8Array(VECTOR_HEAD + value.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, TAG_FLOAT64);
  view.setUint8(2, BYTES_OF_32_BITS);
  view.setUint32(3, value.byteLength);
  bytes.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), VECTOR_HEAD);
  return bytes;
}

function dropOldest(kept: { keys(): Iterator<string>; delete(key: string): boolean }): void {
  const { value, done } = kept.keys().next();
  if (done !== true) kept.delete(value);
}
