/**
 * The network between simulated processes: requests with answers, and one-way messages that keep their order.
 *
 * Messages take a while, are lost where a link is cut or a process is down, and a request whose connection broke may
 * arrive all the same, later, or twice. Who is down answers nothing; who was started anew answers what it knows.
 */
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

/** A process that can be reached by its name. */
export interface Process {
  readonly name: string;
  isUp: boolean;
  /** Grows with each start. */
  life: number;
}

/** No answer came: nobody knows whether the request arrived. */
export interface Broken {
  /** Nothing listens there. */
  readonly isRefused: boolean;
}

export interface Call<Answer> {
  readonly from: Process;
  readonly to: Process;
  /** Performed at the other side; may be performed twice. */
  readonly handle: (answer: (value: Answer) => void) => void;
  readonly onAnswer: (value: Answer) => void;
  readonly onBroken: (broken: Broken) => void;
}

/** After which a connection that leads nowhere is given up. */
const TIMEOUT_MS = 1_000;

export class Network {
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #cuts = new Map<string, number>();
  readonly #slow = new Map<string, { readonly until: number; readonly ms: number }>();
  /** One in so many requests arrives once more, later; 0: none does. */
  readonly #twice: number;

  constructor(timeline: Timeline, random: Random, twice: number) {
    this.#timeline = timeline;
    this.#random = random;
    this.#twice = twice;
  }

  cut(a: string, b: string, ms: number): void {
    const until = Math.max(this.#cuts.get(linkOf(a, b)) ?? 0, this.#timeline.now + ms);
    this.#cuts.set(linkOf(a, b), until);
  }

  slow(a: string, b: string, ms: number, delayMs: number): void {
    this.#slow.set(linkOf(a, b), { until: this.#timeline.now + ms, ms: delayMs });
  }

  isCut(a: string, b: string): boolean {
    return (this.#cuts.get(linkOf(a, b)) ?? 0) > this.#timeline.now;
  }

  /** How long a message takes. */
  delay(a: string, b: string): number {
    const slow = this.#slow.get(linkOf(a, b));
    const extra = slow !== undefined && slow.until > this.#timeline.now ? this.#random.below(slow.ms) : 0;
    return 0.1 + this.#random.below(20) / 10 + extra;
  }

  call<Answer>(call: Call<Answer>): void {
    const { from, to } = call;
    const { life } = from;
    let isOver = false;
    const over = (act: () => void): void => {
      if (isOver) return;
      isOver = true;
      if (from.isUp && from.life === life) act();
    };
    const broken = (isRefused: boolean, ms: number): void =>
      this.#timeline.after(ms, () => over(() => call.onBroken({ isRefused })));
    const answer = (value: Answer): void => {
      const there = to.life;
      this.#timeline.after(this.delay(from.name, to.name), () => {
        if (this.isCut(from.name, to.name) || to.life !== there)
          broken(false, this.#random.below(TIMEOUT_MS));
        else over(() => call.onAnswer(value));
      });
    };
    const arrive = (isFirst: boolean): void => {
      if (this.isCut(from.name, to.name)) broken(false, TIMEOUT_MS);
      else if (!to.isUp) broken(true, 1);
      else {
        call.handle(answer);
        // It may never answer.
        if (isFirst)
          this.#watch(
            call.to,
            () => broken(false, 1),
            () => isOver,
          );
      }
    };
    this.#timeline.after(this.delay(from.name, to.name), () => arrive(true));
    if (this.#twice > 0 && this.#random.chance(this.#twice)) {
      // What lay in a connection goes with the process that had it.
      const there = to.life;
      this.#timeline.after(this.#random.below(3_000), () => {
        if (to.life === there) arrive(false);
      });
    }
  }

  /** A connection to a process breaks when that ends. */
  #watch(to: Process, onEnd: () => void, isOver: () => boolean): void {
    const { life } = to;
    const look = (): void => {
      if (isOver()) return;
      if (!to.isUp || to.life !== life) onEnd();
      else this.#timeline.after(TIMEOUT_MS, look);
    };
    this.#timeline.after(TIMEOUT_MS, look);
  }
}

function linkOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
