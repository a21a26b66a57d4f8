/**
 * Letters that wait for room in their lanes: each goes into all of its lanes at once, or into none.
 *
 * In each lane they keep the order in which they were sent. What waits is bounded too. It knows nothing of who waits.
 */
import { Fifo } from "./fifo.ts";
import type { Lane } from "./lane.ts";
import { type Letter, letterBytes } from "./letter.ts";

/** One message on its way into lanes. */
export interface Sending {
  readonly letter: Letter;
  readonly lanes: readonly Lane[];
  /** To whoever is there: it goes on without those that have left. */
  readonly isBroadcast: boolean;
}

/** What became of sendings, in order. */
export interface Decisions<S extends Sending> {
  readonly accepted: readonly S[];
  readonly refused: readonly { readonly sending: S; readonly why: string }[];
}

/** Waiting, in all lanes together. */
const MAX_WAITING = 1_048_576;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

interface Waiting<S> {
  readonly sending: S;
  isOver: boolean;
}

export class Admission<S extends Sending> {
  readonly #lines = new Map<Lane, Fifo<Waiting<S>>>();
  #waiting = 0;
  #bytes = 0;

  /** Number of sendings that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a sending; it is accepted at once, refused at once, or waits and is decided by `changed`. */
  send(sending: S, now: number): Decisions<S> {
    const refusal = refusalOf(sending) ?? this.#overflow(sending);
    if (refusal !== undefined) return { accepted: [], refused: [{ sending, why: refusal }] };
    if (this.#mayEnter(sending)) {
      enter(sending, now);
      return { accepted: [sending], refused: [] };
    }
    const waiting = { sending, isOver: false };
    for (const lane of sending.lanes) this.#lineOf(lane).push(waiting);
    this.#waiting++;
    this.#bytes += letterBytes(sending.letter);
    return { accepted: [], refused: [] };
  }

  /** A lane has room again, or will never have: decides what waits there, and what waited behind it elsewhere. */
  changed(lane: Lane, now: number): Decisions<S> {
    const accepted: S[] = [];
    const refused: { sending: S; why: string }[] = [];
    const lanes = [lane];
    for (let at = lanes.pop(); at !== undefined; at = lanes.pop()) {
      for (let head = this.#head(at); head !== undefined; head = this.#head(at)) {
        const { sending } = head;
        const why = refusalOf(sending);
        if (why === undefined && !this.#isFirst(head)) break;
        if (why === undefined && !isRoomFor(sending)) break;
        this.#leave(head);
        if (why === undefined) {
          enter(sending, now);
          accepted.push(sending);
        } else {
          refused.push({ sending, why });
        }
        for (const other of sending.lanes) if (other !== at) lanes.push(other);
      }
    }
    return { accepted, refused };
  }

  /** Refuses all that waits. */
  close(why: string): Decisions<S> {
    const all = new Set<S>();
    for (const lane of [...this.#lines.keys()]) {
      for (let head = this.#head(lane); head !== undefined; head = this.#head(lane)) {
        this.#leave(head);
        all.add(head.sending);
      }
    }
    return { accepted: [], refused: [...all].map((sending) => ({ sending, why })) };
  }

  #head(lane: Lane): Waiting<S> | undefined {
    const line = this.#lines.get(lane);
    while (line?.first?.isOver === true) line.shift();
    if (line?.length === 0) this.#lines.delete(lane);
    return line?.first;
  }

  #lineOf(lane: Lane): Fifo<Waiting<S>> {
    const known = this.#lines.get(lane);
    if (known !== undefined) return known;
    const line = new Fifo<Waiting<S>>();
    this.#lines.set(lane, line);
    return line;
  }

  #leave(waiting: Waiting<S>): void {
    waiting.isOver = true;
    this.#waiting--;
    this.#bytes -= letterBytes(waiting.sending.letter);
  }

  #mayEnter(sending: S): boolean {
    return isRoomFor(sending) && sending.lanes.every((lane) => this.#head(lane) === undefined);
  }

  /** Nobody waits before it in any of its lanes. */
  #isFirst(waiting: Waiting<S>): boolean {
    return waiting.sending.lanes.every((lane) => this.#head(lane) === waiting || lane.state === "gone");
  }

  #overflow({ letter, lanes }: S): string | undefined {
    const isFull = this.#waiting >= MAX_WAITING || this.#bytes + letterBytes(letter) > MAX_WAITING_BYTES;
    if (!isFull || this.#waiting === 0) return undefined;
    const mebibytes = Math.round(this.#bytes / 2 ** 20);
    return `${this.#waiting} messages (${mebibytes} MiB) wait for ${namesOf(lanes)} already, and nobody awaits them`;
  }
}

function enter(sending: Sending, now: number): void {
  for (const lane of sending.lanes) {
    if (lane.state !== "gone") lane.apply({ kind: "posted", letter: sending.letter }, now);
  }
}

function isRoomFor({ lanes }: Sending): boolean {
  return lanes.every((lane) => lane.hasRoom);
}

/** Why it can never enter all of its lanes. */
function refusalOf({ lanes, isBroadcast }: Sending): string | undefined {
  for (const lane of lanes) {
    if (lane.state === "gone" && !isBroadcast) return `${lane.name} is gone: ${lane.cause}`;
    if (lane.state === "unheard" && !lane.hasRoom) {
      return `${lane.waiting} messages wait at ${lane.name}, and nobody listens there`;
    }
  }
  return undefined;
}

function namesOf(lanes: readonly Lane[]): string {
  return lanes.length === 1 ? lanes[0].name : `${lanes.length} workers`;
}
