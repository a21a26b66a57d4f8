/**
 * What the collective operations are made of: the rounds of one rank.
 *
 * A round sends, then receives. Each operation is a generator of rounds, which is given what was received; who carries
 * the values is not known here. Results depend on values, ranks and size alone, never on time.
 */

/** Where a member stands among all. */
export interface Place {
  /** From 0. */
  readonly rank: number;
  readonly size: number;
}

export interface Parcel {
  readonly to: number;
  readonly value: unknown;
  /** It stays as it is until it was received, as this rank's result depends on that: it need not be copied. */
  readonly isLent?: boolean;
}

/** What a rank sends, and the rank of which it then receives, if any. */
export interface Round {
  readonly send?: readonly Parcel[];
  readonly receive?: number;
}

/** One rank's part of an operation: its rounds, and at the end its result. Given what each round received. */
export type Rounds<R> = Generator<Round, R, unknown>;
