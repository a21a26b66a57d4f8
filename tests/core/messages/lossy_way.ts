/**
 * A way between two ends of messages that loses, repeats and reorders what it carries, by a seed.
 */
import type { Parcel } from "../../../core/messages/letter.ts";

export interface Faults {
  /** Of each kind. */
  readonly share: number;
  readonly random: () => number;
}

export class LossyWay {
  readonly #faults: Faults;
  #carried: Parcel[] = [];

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  send(parcel: Parcel): void {
    const { random, share } = this.#faults;
    if (random() < share) return;
    this.#carried.push(parcel);
    if (random() < share) this.#carried.push(parcel);
  }

  /** What arrives by now; some of it stays behind and is overtaken. */
  arrived(): readonly Parcel[] {
    const { random, share } = this.#faults;
    const late: Parcel[] = [];
    const now = this.#carried.filter((parcel) => {
      const isLate = random() < share;
      if (isLate) late.push(parcel);
      return !isLate;
    });
    this.#carried = late;
    return now;
  }
}
