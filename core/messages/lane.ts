/**
 * The sending end of one pair: numbers letters, keeps them until they are heard, and says which are to be sent.
 *
 * Holds at most a window of letters that nobody has heard. What carries frames may lose, repeat and reorder them.
 * It knows neither what letters say nor how they travel. docs/states.md shows the table; a test compares both.
 */
import { checkMove, InvariantError, type Table } from "../schedule/transitions.ts";
import { type Frame, type Letter, letterBytes, type Receipt } from "./letter.ts";

/**
 * absent: no process is there, or none has told of itself. open: letters go there. unheard: what came there waits,
 * and nobody listens. gone: it never comes back.
 */
export type LaneState = "absent" | "open" | "unheard" | "gone";

export const LANE_TRANSITIONS: Table<LaneState> = {
  absent: ["open", "gone"],
  // To itself: another process is there, in the place of one whose end was not told.
  open: ["open", "absent", "unheard", "gone"],
  unheard: ["open", "absent", "gone"],
  gone: [],
};

export type LaneEvent =
  | { readonly kind: "posted"; readonly letter: Letter }
  /** A process is there and waits for letters. */
  | { readonly kind: "joined"; readonly life: string }
  | { readonly kind: "receipt"; readonly receipt: Receipt }
  /** Its process is gone; another one may come. */
  | { readonly kind: "exited" }
  | { readonly kind: "left"; readonly cause: string }
  /** What was sent may not have arrived. */
  | { readonly kind: "broken" };

/** send: there is a frame to take. room: the window has room again. refuse: whoever waits for room waits in vain. */
export type LaneCommand = "send" | "room" | "refuse";

export interface LaneBounds {
  readonly letters: number;
  readonly bytes: number;
}

/** Sent and not heard, of one pair. */
export const LANE_BOUNDS: LaneBounds = { letters: 8192, bytes: 8 * 1024 * 1024 };

const MAX_STORY = 40;

const NOTHING: readonly LaneCommand[] = [];
const SEND: readonly LaneCommand[] = ["send"];
const ROOM: readonly LaneCommand[] = ["room"];
const REFUSE: readonly LaneCommand[] = ["refuse"];

export class Lane {
  /** Who is there, for messages: "worker 3", "the driver". */
  readonly name: string;
  readonly #bounds: LaneBounds;
  readonly #story: string[] = [];
  #state: LaneState = "absent";
  #cause = "";
  #life: string | undefined;
  /** Not heard yet, in order. */
  #letters: Letter[] = [];
  #bytes = 0;
  /** So many were heard: the number of the first of the letters. */
  #heard = 0;
  #received = 0;
  /** Number of the next one to be sent. */
  #next = 0;
  /** Of the first letter for the process that is there. */
  #base = 0;

  constructor(name: string, bounds: LaneBounds = LANE_BOUNDS) {
    this.name = name;
    this.#bounds = bounds;
  }

  get state(): LaneState {
    return this.#state;
  }

  /** Why it is gone. */
  get cause(): string {
    return this.#cause;
  }

  /** Of the process that is there. */
  get life(): string | undefined {
    return this.#life;
  }

  /** Letters that nobody has heard. */
  get waiting(): number {
    return this.#letters.length;
  }

  get hasRoom(): boolean {
    return this.#letters.length < this.#bounds.letters && this.#bytes < this.#bounds.bytes;
  }

  /** @throws {InvariantError} When the event may not follow, with the story. */
  apply(event: LaneEvent, now: number): readonly LaneCommand[] {
    switch (event.kind) {
      case "posted":
        return this.#post(event.letter);
      case "joined":
        return this.#join(event.life, now);
      case "receipt":
        return this.#settle(event.receipt, now);
      case "exited":
        if (this.#life !== undefined) this.#move("absent", now, "");
        this.#life = undefined;
        return NOTHING;
      case "left":
        return this.#leave(event.cause, now);
      case "broken":
        if (this.#next === this.#received) return NOTHING;
        this.#next = this.#received;
        return this.#life === undefined ? NOTHING : SEND;
    }
  }

  /** The letters that are to be sent now, at least one whatever its size; undefined when there are none. */
  take(maxBytes: number): Frame | undefined {
    const end = this.#end;
    if (this.#life === undefined || this.#next === end) return undefined;
    const first = this.#next;
    let bytes = 0;
    while (this.#next < end) {
      bytes += letterBytes(this.#letters[this.#next - this.#heard]);
      if (bytes > maxBytes && this.#next > first) break;
      this.#next++;
    }
    const letters = this.#letters.slice(first - this.#heard, this.#next - this.#heard);
    return { life: this.#life, base: this.#base, first, letters };
  }

  /** @throws {InvariantError} When its numbers contradict each other. */
  check(): void {
    const end = this.#end;
    const isOrdered = this.#heard <= this.#received && this.#received <= end && this.#next <= end;
    const bytes = this.#letters.reduce((sum, letter) => sum + letterBytes(letter), 0);
    const isIdle = this.#state === "absent" || this.#state === "gone";
    if (
      isOrdered &&
      this.#heard <= this.#next &&
      bytes === this.#bytes &&
      isIdle === (this.#life === undefined)
    )
      return;
    const numbers = `heard ${this.#heard}, received ${this.#received}, next ${this.#next}, end ${end}`;
    throw new InvariantError(`Cannot be: ${numbers}, ${this.#bytes} bytes, of ${this.name}`, this.#story);
  }

  /** Number of the next letter that is posted. */
  get #end(): number {
    return this.#heard + this.#letters.length;
  }

  #post(letter: Letter): readonly LaneCommand[] {
    if (this.#state === "gone") {
      throw new InvariantError(`Cannot post to ${this.name}: it is gone: ${this.#cause}`, this.#story);
    }
    this.#letters.push(letter);
    this.#bytes += letterBytes(letter);
    return this.#life === undefined ? NOTHING : SEND;
  }

  /** What an earlier process did not hear is sent again; what it heard is not. */
  #join(life: string, now: number): readonly LaneCommand[] {
    if (life === this.#life || this.#state === "gone") return NOTHING;
    this.#move("open", now, life);
    this.#life = life;
    this.#base = this.#heard;
    this.#received = this.#heard;
    this.#next = this.#heard;
    return this.#letters.length > 0 ? SEND : NOTHING;
  }

  #settle({ life, received, heard, isUnheard }: Receipt, now: number): readonly LaneCommand[] {
    if (life !== this.#life) return NOTHING;
    const isOlder = heard < this.#heard || (heard === this.#heard && received < this.#received);
    // Nobody can have what was never sent; what is to be sent again may have arrived all the same.
    if (isOlder || received > this.#end || heard > received) return NOTHING;
    this.#received = received;
    this.#next = Math.max(this.#next, received);
    const dropped = this.#letters.splice(0, heard - this.#heard);
    for (const letter of dropped) this.#bytes -= letterBytes(letter);
    this.#heard = heard;
    if (isUnheard === true) {
      if (this.#state === "open") this.#move("unheard", now, "");
      return REFUSE;
    }
    if (this.#state === "unheard") this.#move("open", now, life);
    return dropped.length > 0 ? ROOM : NOTHING;
  }

  #leave(cause: string, now: number): readonly LaneCommand[] {
    if (this.#state === "gone") return NOTHING;
    this.#move("gone", now, cause);
    this.#cause = cause;
    this.#life = undefined;
    this.#heard += this.#letters.length;
    this.#received = this.#heard;
    this.#next = this.#heard;
    this.#letters = [];
    this.#bytes = 0;
    return REFUSE;
  }

  #move(to: LaneState, now: number, detail: string): void {
    checkMove(LANE_TRANSITIONS, {
      what: "lane",
      name: this.name,
      from: this.#state,
      to,
      story: this.#story,
    });
    if (this.#story.length >= MAX_STORY) this.#story.shift();
    this.#story.push(`${now} ${to} ${detail}`.trim());
    this.#state = to;
  }
}
