/**
 * One member of a gang: its collective operations one after the other, and the values that members send each other.
 *
 * Between two members letters come in order. Of each kind one may have sent so many bytes that the other has not taken,
 * and then waits; so what waits for a member is bounded, and one that is slow stops nobody else. Every wait ends: with a letter,
 * when the other has returned or does something else, when the attempt is cancelled (as it is when a member is lost or
 * fails), or after the time that the program allows. It knows neither codecs nor clocks nor how letters travel.
 */
import { LucioleError } from "../errors.ts";
import type { Encoded, Lane, Letter } from "./letter.ts";
import type { Rounds } from "./round.ts";

export interface MemberPorts {
  readonly rank: number;
  readonly size: number;
  /** Names a member in messages: `rank 1 (worker 3 on agent a)`. */
  nameOf(rank: number): string;
  /** @param isLent The value stays as it is until it was received. */
  encode(value: unknown, isLent: boolean): Encoded;
  decode(value: Encoded): unknown;
  /** Sends a letter on its way; letters to one rank arrive in this order. */
  post(to: number, letter: Letter): void;
  /** Calls back after so long, unless the function that it returns is called before. */
  later(ms: number, callback: () => void): () => void;
  readonly signal: AbortSignal;
  /** How long one wait may take. */
  readonly timeoutMs: number;
}

/** Of one letter. */
const MAX_PAYLOAD_BYTES = 64 * 2 ** 20;
/** What all others may have sent to a member that it has not taken, and what each of them may at least. */
const WINDOW_BYTES = 64 * 2 ** 20;
const LEAST_WINDOW_BYTES = 2 ** 20;
/** What a letter takes beside its payload: values of a byte fill a window, too. */
const LETTER_BYTES = 512;
const NOTHING = new Uint8Array(0);

/** What stands between this member and another one, of one kind. */
interface Traffic {
  readonly queue: Letter[];
  sentBytes: number;
  /** Of what was sent, as far as the other has told. */
  arrivedBytes: number;
  takenBytes: number;
  /** Of what was taken, as far as the other was told. */
  toldBytes: number;
}

interface Pair {
  readonly collective: Traffic;
  readonly value: Traffic;
  /** Collectives that it made, when its function has returned. */
  returnedAfter: number | undefined;
  isLost: boolean;
}

type LetterHead = Pick<Letter, "sequence" | "label"> & { readonly kind: Lane };

interface Wait {
  readonly rank: number;
  /** Ends the wait, with no result. */
  readonly stop: () => void;
  /** Ends the wait when what it is for is there, or cannot come any more. */
  readonly look: () => void;
}

export class Member {
  readonly #ports: MemberPorts;
  readonly #pairs: readonly Pair[];
  readonly #waits = new Set<Wait>();
  /** Operations that were begun and are not over. */
  readonly #begun = new Set<{ readonly label: string }>();
  readonly #windowBytes: number;
  #collectives = 0;
  /** The collective at hand: the next one begins when it is over. */
  #last: Promise<unknown> = Promise.resolve();
  #hasReturned = false;

  constructor(ports: MemberPorts) {
    this.#ports = ports;
    this.#pairs = Array.from({ length: ports.size }, newPair);
    this.#windowBytes = Math.max(LEAST_WINDOW_BYTES, Math.floor(WINDOW_BYTES / ports.size));
  }

  /** Takes a letter of a member. */
  deliver(from: number, letter: Letter): void {
    const pair = this.#pairs[from];
    if (pair === undefined) return;
    const { kind, label, sequence } = letter;
    if (kind === "returned") pair.returnedAfter = sequence;
    else if (kind === "lost") pair.isLost = true;
    else if (kind === "taken") pair[label === "value" ? "value" : "collective"].arrivedBytes = sequence;
    else pair[kind].queue.push(letter);
    // What one of them sends to itself may end others.
    for (const wait of [...this.#waits]) if (wait.rank === from && this.#waits.has(wait)) wait.look();
  }

  /** Performs this member's part of an operation, after those that were called before it. */
  collective<R>(label: string, rounds: () => Rounds<R>): Promise<R> {
    this.#checkOpen(label);
    this.#collectives += 1;
    const sequence = this.#collectives;
    const result = this.#last.then(() => this.#perform(sequence, label, rounds()));
    // What failed is told by its own promise; the next one fails for its own reason.
    this.#last = result.then(
      () => undefined,
      () => undefined,
    );
    return this.#follow(label, result);
  }

  /** Sends a value; resolves when there is room for the next one. */
  async send(to: number, value: unknown): Promise<void> {
    this.#checkOpen("send");
    this.#checkRank("send", to);
    await this.#follow("send", this.#post(to, { kind: "value", sequence: 0, label: "send" }, value));
  }

  /** The next value that a member sent with `send`. */
  async receive(from: number): Promise<unknown> {
    this.#checkOpen("receive");
    this.#checkRank("receive", from);
    const { queue } = this.#pairs[from].value;
    const letter = this.#until(from, "receive", () => queue.shift());
    return this.#take(from, await this.#follow("receive", letter));
  }

  /**
   * Its function has returned: tells those that may wait for it.
   *
   * @throws {LucioleError} code "not-awaited" When an operation is not over: nobody would hear of its end.
   */
  finish(): void {
    const [begun] = this.#begun;
    if (begun !== undefined) {
      throw new LucioleError(
        "not-awaited",
        `Cannot end ${this.#ports.nameOf(this.#ports.rank)}: its function has returned before ${begun.label} was over; await it`,
        { fields: { operation: begun.label, rank: this.#ports.rank } },
      );
    }
    this.#hasReturned = true;
    for (const [rank] of this.#pairs.entries()) {
      if (rank === this.#ports.rank) continue;
      const sequence = this.#collectives;
      this.#ports.post(rank, { kind: "returned", sequence, label: "", payload: NOTHING });
    }
  }

  /** Nothing is waited for any more; what user code left behind does not fail later, in somebody else's task. */
  end(): void {
    this.#hasReturned = true;
    for (const { stop } of this.#waits) stop();
    this.#waits.clear();
  }

  async #follow<R>(label: string, operation: Promise<R>): Promise<R> {
    const begun = { label };
    this.#begun.add(begun);
    try {
      return await operation;
    } finally {
      this.#begun.delete(begun);
    }
  }

  async #perform<R>(sequence: number, label: string, rounds: Rounds<R>): Promise<R> {
    const head = { kind: "collective", sequence, label } as const;
    let received: unknown;
    for (;;) {
      const round = rounds.next(received);
      if (round.done === true) return round.value;
      const { send = [], receive } = round.value;
      for (const { to, value, isLent } of send) await this.#post(to, head, value, isLent);
      received = receive === undefined ? undefined : await this.#receivePart(receive, sequence, label);
    }
  }

  async #receivePart(from: number, sequence: number, label: string): Promise<unknown> {
    const doing = `${label} (collective ${sequence})`;
    const { queue } = this.#pairs[from].collective;
    const letter = await this.#until(from, doing, () => {
      const [first] = queue;
      if (first === undefined) return undefined;
      if (first.sequence === sequence && first.label === label) return queue.shift();
      const { label: other, sequence: place } = first;
      throw this.#failure("collective-mismatch", doing, from, `is in ${other} (collective ${place})`);
    });
    return this.#take(from, letter);
  }

  #take(from: number, letter: Letter): unknown {
    const { kind, payload } = letter;
    const lane = kind === "value" ? "value" : "collective";
    const traffic = this.#pairs[from][lane];
    traffic.takenBytes += sizeOf(payload);
    if (traffic.takenBytes - traffic.toldBytes >= this.#windowBytes / 4) {
      traffic.toldBytes = traffic.takenBytes;
      this.#deliverTo(from, { kind: "taken", sequence: traffic.takenBytes, label: lane, payload: NOTHING });
    }
    return this.#ports.decode(letter);
  }

  async #post(to: number, head: LetterHead, value: unknown, isLent = false): Promise<void> {
    const encoded = this.#ports.encode(value, isLent);
    const { payload } = encoded;
    if (payload.byteLength > MAX_PAYLOAD_BYTES) {
      throw new RangeError(
        `Cannot ${head.label} ${payload.byteLength} bytes to ${this.#ports.nameOf(to)}: ` +
          `one value may have ${MAX_PAYLOAD_BYTES}; give larger ones by a dataset`,
      );
    }
    const traffic = this.#pairs[to][head.kind];
    // At once: others may wait for the same room, and are behind it.
    const post = (): true | undefined => {
      if (traffic.sentBytes - traffic.arrivedBytes >= this.#windowBytes) return undefined;
      this.#ports.signal.throwIfAborted();
      traffic.sentBytes += sizeOf(payload);
      this.#deliverTo(to, { ...head, ...encoded });
      return true;
    };
    if (post() === undefined) await this.#until(to, head.label, post);
  }

  /** What a member sends to itself need not travel. */
  #deliverTo(to: number, letter: Letter): void {
    if (to === this.#ports.rank) this.deliver(to, letter);
    else this.#ports.post(to, letter);
  }

  /** Resolves with what `look` finds of a rank, when it finds something. */
  #until<T>(rank: number, doing: string, look: () => T | undefined): Promise<T> {
    const { signal, timeoutMs, later } = this.#ports;
    let isLooking = false;
    return new Promise<T>((resolve, reject) => {
      const end = (act: () => void): void => {
        wait.stop();
        this.#waits.delete(wait);
        act();
      };
      const onAbort = (): void => end(() => reject(signal.reason));
      const cancel = later(timeoutMs, () => {
        const state = `sent nothing of it within ${timeoutMs / 1000} s`;
        end(() => reject(this.#failure("collective-timeout", doing, rank, state)));
      });
      const wait: Wait = {
        rank,
        stop: () => {
          cancel();
          signal.removeEventListener("abort", onAbort);
        },
        look: () => {
          // What it posts to itself comes at once.
          if (isLooking) return;
          isLooking = true;
          try {
            const found = look();
            if (found !== undefined) end(() => resolve(found));
            else this.#checkPeer(doing, rank);
          } catch (error) {
            end(() => reject(error));
          }
          isLooking = false;
        },
      };
      this.#waits.add(wait);
      signal.addEventListener("abort", onAbort);
      if (signal.aborted) onAbort();
      else wait.look();
    });
  }

  /** @throws {LucioleError} When nothing can come of it any more. */
  #checkPeer(doing: string, rank: number): void {
    const { returnedAfter, isLost } = this.#pairs[rank];
    if (returnedAfter !== undefined) {
      const state = `has returned after ${returnedAfter} collectives`;
      throw this.#failure("member-returned", doing, rank, state);
    }
    if (isLost) throw this.#failure("member-lost", doing, rank, "was lost with what it had sent");
  }

  #failure(code: string, doing: string, rank: number, state: string): LucioleError {
    const { nameOf, rank: own } = this.#ports;
    return new LucioleError(code, `Cannot go on with ${doing} of ${nameOf(own)}: ${nameOf(rank)} ${state}`, {
      fields: { operation: doing, rank: own, peer: rank },
      retryable: code === "member-lost",
    });
  }

  #checkOpen(operation: string): void {
    if (!this.#hasReturned) return;
    throw new LucioleError("member-returned", `Cannot ${operation}: the worker's function has returned`);
  }

  #checkRank(operation: string, rank: unknown): void {
    const { size } = this.#ports;
    if (Number.isSafeInteger(rank) && Number(rank) >= 0 && Number(rank) < size) return;
    throw new RangeError(`Cannot ${operation}: rank must be one of the ${size} from 0, got ${String(rank)}`);
  }
}

function sizeOf(payload: Uint8Array): number {
  return payload.byteLength + LETTER_BYTES;
}

function newPair(): Pair {
  return { collective: newTraffic(), value: newTraffic(), returnedAfter: undefined, isLost: false };
}

function newTraffic(): Traffic {
  return { queue: [], sentBytes: 0, arrivedBytes: 0, takenBytes: 0, toldBytes: 0 };
}
