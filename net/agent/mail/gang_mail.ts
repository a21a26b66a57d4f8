/**
 * Mail for the workers of one agent, kept until the process that has the order of its gang is there to take it.
 *
 * A worker is a number; its process may end and another take its place between the start of a gang, when the other members
 * begin to send, and the moment when its own order is given to it. It does not look into letters.
 */
import { type Mail, mailBytes } from "../../mail.ts";

/** Gangs whose orders have not been given, and those that were, for each worker; the oldest are forgotten. */
const MAX_EARLY = 16;
const MAX_GIVEN = 256;
/** What those may take together beside the latest, which is likely to begin: members send only so much that nobody reads. */
const MAX_EARLY_BYTES = 64 * 2 ** 20;

interface Early {
  readonly letters: Mail[];
  bytes: number;
}

interface Box {
  /** By gang. */
  readonly early: Map<string, Early>;
  /** Gangs, and whether the process that got the order is the one at hand. */
  readonly given: Map<string, boolean>;
}

export class GangMail {
  readonly #boxes = new Map<number, Box>();
  readonly #hand: (worker: number, mail: Mail) => void;

  /** @param hand Gives a letter to the process of a worker. */
  constructor(hand: (worker: number, mail: Mail) => void) {
    this.#hand = hand;
  }

  /** A process of the worker was started: what an earlier one was given is over. */
  started(worker: number): void {
    const box = this.#boxes.get(worker);
    if (box === undefined) this.#boxes.set(worker, { early: new Map(), given: new Map() });
    else for (const gang of box.given.keys()) box.given.set(gang, false);
  }

  /** The worker's process has the order of a gang. */
  given(worker: number, gang: string): void {
    const box = this.#boxes.get(worker);
    if (box === undefined) return;
    box.given.set(gang, true);
    dropOldest(box.given, MAX_GIVEN);
    for (const mail of box.early.get(gang)?.letters ?? []) this.#hand(worker, mail);
    box.early.delete(gang);
  }

  /** Nothing happens when the worker is gone. */
  deliver(worker: number, mail: Mail): void {
    const box = this.#boxes.get(worker);
    if (box === undefined) return;
    const isHere = box.given.get(mail.gang);
    if (isHere === true) this.#hand(worker, mail);
    if (isHere !== undefined) return;
    const early = box.early.get(mail.gang) ?? { letters: [], bytes: 0 };
    early.letters.push(mail);
    early.bytes += mailBytes(mail);
    box.early.set(mail.gang, early);
    dropOldest(box.early, MAX_EARLY);
    let bytes = 0;
    for (const each of box.early.values()) bytes += each.bytes;
    for (const [gang, each] of box.early) {
      if (bytes <= MAX_EARLY_BYTES || box.early.size === 1) return;
      box.early.delete(gang);
      bytes -= each.bytes;
    }
  }

  /** The worker is gone for good. */
  forget(worker: number): void {
    this.#boxes.delete(worker);
  }
}

function dropOldest(kept: Map<string, unknown>, most: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(oldest);
  }
}
