/**
 * Runs the rounds of all ranks in one process, in an order that a seed decides: values arrive in order between two ranks,
 * and otherwise whenever. Fails when all wait for each other.
 */
import type { Place, Rounds } from "../../../core/collectives/round.ts";

export interface Played<R> {
  readonly results: readonly R[];
  /** Values sent by each rank. */
  readonly sent: readonly number[];
  /** The most rounds that a rank had. */
  readonly rounds: number;
}

/** What each rank gets. @param pick Chooses one of so many. */
export function play<R>(
  size: number,
  roundsOf: (place: Place) => Rounds<R>,
  pick: (count: number) => number,
): Played<R> {
  const ranks = Array.from({ length: size }, (_, rank) => new Rank(roundsOf({ rank, size })));
  const lines = new Map<string, unknown[]>();
  const lineOf = (from: number, to: number): unknown[] => {
    const key = `${from} ${to}`;
    const line = lines.get(key) ?? [];
    lines.set(key, line);
    return line;
  };
  for (;;) {
    const able = ranks.flatMap((rank, i) => {
      const isAble = !rank.isDone && (rank.wants === undefined || lineOf(rank.wants, i).length > 0);
      return isAble ? [i] : [];
    });
    if (able.length === 0) break;
    const i = able[pick(able.length)];
    const { wants } = ranks[i];
    for (const { to, value } of ranks[i].go(wants === undefined ? undefined : lineOf(wants, i).shift())) {
      lineOf(i, to).push(value);
    }
  }
  const stuck = ranks.flatMap((rank, i) => (rank.isDone ? [] : [`${i} waits for ${rank.wants}`]));
  if (stuck.length > 0) throw new Error(`ranks wait for each other: ${stuck.join(", ")}`);
  const left = [...lines].filter(([, line]) => line.length > 0).map(([key]) => key);
  if (left.length > 0) throw new Error(`nobody took what was sent: ${left.join(", ")}`);
  return {
    results: ranks.map(({ result }) => result as R),
    sent: ranks.map(({ sent }) => sent),
    rounds: Math.max(...ranks.map(({ rounds }) => rounds)),
  };
}

class Rank<R> {
  readonly #rounds: Rounds<R>;
  wants: number | undefined;
  isDone = false;
  result: R | undefined;
  sent = 0;
  rounds = 0;

  constructor(rounds: Rounds<R>) {
    this.#rounds = rounds;
  }

  go(received: unknown) {
    const next = this.#rounds.next(received);
    if (next.done === true) {
      this.isDone = true;
      this.result = next.value;
      return [];
    }
    const { send = [], receive } = next.value;
    this.wants = receive;
    this.sent += send.length;
    this.rounds += 1;
    return send;
  }
}
