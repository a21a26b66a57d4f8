/**
 * What travels between the driver and one worker, in either direction.
 *
 * A letter is one message, encoded; letters of a pair are numbered from 0 and travel many to a frame. A life is one
 * process of a worker: one that crashes and is started again is the same worker, in another life.
 */

/** What the driver may tell a worker: user's messages, and what becomes of the job's set of workers. */
export type Topic = "driverMessage" | "workersScaledUp" | "workersScaledDown" | "allWorkersJoined";

/** A message as CBOR; what is about anything else than a user's message says so. */
export type Letter = Uint8Array | readonly [topic: Topic, body: Uint8Array];

/** Letters on their way, in order. */
export interface Frame {
  /** Of the worker, whoever sends. */
  readonly life: string;
  /** Number of the first letter for this life. */
  readonly base: number;
  /** Number of the first letter here. */
  readonly first: number;
  readonly letters: readonly Letter[];
}

/** What has arrived, as its receiver tells the sender. */
export interface Receipt {
  readonly life: string;
  /** Number of the next letter that is waited for. */
  readonly received: number;
  /** So many were given to a listener: nobody has to keep them. */
  readonly heard: number;
  /** Letters have waited for a while, and nobody listens. */
  readonly isUnheard?: true;
}

/** What goes from one side to the other at once. */
export interface Parcel {
  readonly life: string;
  readonly frame?: Frame;
  readonly receipt?: Receipt;
}

/** What a letter takes beside its body. */
const LETTER_BYTES = 64;

export function letterBytes(letter: Letter): number {
  return bodyOf(letter).byteLength + LETTER_BYTES;
}

export function topicOf(letter: Letter): Topic {
  return letter instanceof Uint8Array ? "driverMessage" : letter[0];
}

export function bodyOf(letter: Letter): Uint8Array {
  return letter instanceof Uint8Array ? letter : letter[1];
}
