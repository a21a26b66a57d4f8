/**
 * What one member of a gang sends to the others and hears of them, in order: by way of the agent at first, and by a line
 * once there is one.
 *
 * Who hears of a member on the same agent tells it where a line may be opened. The first frame on a line says how many
 * letters went the other way: those come first. It knows neither sockets nor requests.
 */
import type { Letter } from "../../core/collectives/letter.ts";
import { fields, natural } from "../fields.ts";
import { letterHead, type Mail, type MailKind } from "../mail.ts";
import type { LineFrame } from "./line_frames.ts";
import type { Hello, IncomingLine, Line } from "./worker_lines.ts";

export interface GangPostOptions {
  readonly gang: string;
  readonly rank: number;
  readonly size: number;
  /** Whether it is on the same agent. */
  isNear(rank: number): boolean;
  /** Sends by way of the agent. */
  post(to: number, letter: PostedLetter): void;
  /** Where lines to this member may be opened; undefined where there are none. */
  address(): Promise<string | undefined>;
  /** Opens a line, if it can be. @param onOpen What is sent from then on may go on it, after the hello. */
  dial(address: string, onOpen: (line: Line) => Hello): void;
  /** How long after the end of its line a member that has not returned counts as lost. */
  readonly lostMs?: number;
}

export type PostedLetter = Omit<Letter, "kind"> & { readonly kind: MailKind };
type Listener = (from: number, letter: Letter) => void;

interface Peer {
  /** By way of the agent. */
  posted: number;
  heard: number;
  isTold: boolean;
  /** Where a line to it may be opened, as long as none was tried. */
  address: string | undefined;
  line: Line | undefined;
  /** What came by its line before all that had gone the other way. */
  early: { readonly after: number; readonly letters: PostedLetter[] } | undefined;
  hasReturned: boolean;
}

/**
 * Its agent finds out sooner that a worker is gone, and then all begin again: this is for one that had done its part, but
 * had not yet sent all of it.
 */
const LOST_MS = 10_000;
const NOTHING = new Uint8Array(0);

export class GangPost {
  readonly #options: GangPostOptions;
  readonly #peers: readonly Peer[];
  readonly #incoming: IncomingLine[] = [];
  readonly #listener: Listener;
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  #isOver = false;

  /** @param listener Takes the letters of each member in the order of sending. */
  constructor(options: GangPostOptions, listener: Listener) {
    this.#options = options;
    this.#listener = listener;
    this.#peers = Array.from({ length: options.size }, newPeer);
  }

  send(to: number, letter: PostedLetter): void {
    const peer = this.#peers[to];
    if (peer.line !== undefined) {
      const { payload, ...head } = letter;
      peer.line.send(head, payload);
      return;
    }
    peer.posted += 1;
    this.#options.post(to, letter);
    const { address } = peer;
    if (address === undefined) return;
    peer.address = undefined;
    this.#dial(to, address);
  }

  /** A letter came by way of the agent. */
  hear({ from, gang: _, agent: _agent, worker: _worker, ...letter }: Mail): void {
    const peer = this.#peers[from];
    if (peer === undefined) return;
    peer.heard += 1;
    this.#take(from, letter);
    this.#tellAddress(from, peer);
    this.#settle(from, peer);
  }

  /** A line was opened to this member. @returns Whether it is wanted. */
  accept({ from, to, after }: Hello, line: IncomingLine): boolean {
    const peer = this.#peers[from];
    if (this.#isOver || peer === undefined || to !== this.#options.rank || peer.early !== undefined)
      return false;
    peer.early = { after, letters: [] };
    this.#incoming.push(line);
    const take = (frame: LineFrame): void => {
      if (this.#isOver) return;
      const letter = letterOf(frame);
      if (peer.heard < after) peer.early?.letters.push(letter);
      else this.#take(from, letter);
    };
    line.listen(take, () => this.#watch(from, peer));
    return true;
  }

  /** The member hears no more; what it sent still goes. */
  end(): void {
    this.#isOver = true;
    for (const { line } of this.#peers) line?.end();
    for (const line of this.#incoming) line.close();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Its line was closed. */
  #watch(from: number, peer: Peer): void {
    if (this.#isOver || peer.hasReturned) return;
    const lost = { kind: "lost", sequence: 0, label: "", payload: NOTHING } as const;
    this.#timers.push(setTimeout(() => this.#listener(from, lost), this.#options.lostMs ?? LOST_MS));
  }

  #take(from: number, letter: PostedLetter): void {
    const { kind } = letter;
    if (kind === "returned") this.#peers[from].hasReturned = true;
    if (kind === "line") this.#peers[from].address = letter.label;
    else this.#listener(from, { ...letter, kind });
  }

  #settle(from: number, peer: Peer): void {
    if (peer.early === undefined || peer.heard < peer.early.after) return;
    for (const letter of peer.early.letters.splice(0)) this.#take(from, letter);
  }

  #tellAddress(from: number, peer: Peer): void {
    if (peer.isTold || !this.#options.isNear(from)) return;
    peer.isTold = true;
    void this.#options.address().then((label) => {
      if (label === undefined || this.#isOver) return;
      this.send(from, { kind: "line", sequence: 0, label, payload: NOTHING });
    });
  }

  #dial(to: number, address: string): void {
    const { gang, rank: from, dial } = this.#options;
    const peer = this.#peers[to];
    dial(address, (line) => {
      peer.line = line;
      if (this.#isOver) line.end();
      return { gang, from, to, after: peer.posted };
    });
  }
}

/** @throws {ProtocolError} */
export function helloOf(value: unknown): Hello {
  const { gang, from, to, after } = fields(value, "hello");
  return {
    gang: String(gang),
    from: natural(from, "hello.from"),
    to: natural(to, "hello.to"),
    after: natural(after, "hello.after"),
  };
}

function letterOf({ head, payload }: LineFrame): PostedLetter {
  return { ...letterHead(fields(head, "letter")), payload };
}

function newPeer(): Peer {
  return {
    posted: 0,
    heard: 0,
    isTold: false,
    address: undefined,
    line: undefined,
    early: undefined,
    hasReturned: false,
  };
}
