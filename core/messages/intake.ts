/**
 * The receiving end of one pair: puts letters in order, each once, and tells what has arrived and what was heard.
 *
 * It belongs to one life of the worker. Who listens, and to what, is not its business.
 */
import { InvariantError } from "../schedule/transitions.ts";
import type { Frame, Letter, Receipt } from "./letter.ts";

/** Letters that came before others which are still missing; those beyond are taken when they are sent again. */
const MAX_EARLY = 16_384;

export class Intake {
  readonly life: string;
  #early = new Map<number, Letter>();
  /** Number of the next letter; undefined before the first frame, which tells where this life begins. */
  #next: number | undefined;
  #base = 0;
  #heard = 0;

  constructor(life: string) {
    this.life = life;
  }

  /** The letters whose turn it is: none when they are known, of another life, or come before others. */
  take({ life, base, first, letters }: Frame): readonly Letter[] {
    if (life !== this.life) return [];
    if (this.#next === undefined) {
      this.#next = base;
      this.#base = base;
      this.#heard = base;
    }
    const next = this.#next;
    if (first <= next) {
      const fresh = letters.slice(next - first);
      this.#next += fresh.length;
      return this.#early.size === 0 ? fresh : this.#withEarly(fresh);
    }
    for (let i = 0; i < letters.length && this.#early.size < MAX_EARLY; i++) {
      this.#early.set(first + i, letters[i]);
    }
    return [];
  }

  /** Of the letters that were given out so many, from the first one on, were heard. */
  heard(count: number): void {
    const heard = this.#base + count;
    if (heard > (this.#next ?? 0) || heard < this.#heard) {
      const story = [`base ${this.#base}`, `next ${this.#next}`, `heard ${this.#heard}`];
      throw new InvariantError(`Cannot have heard letters up to ${heard}`, story);
    }
    this.#heard = heard;
  }

  /** Undefined before anything came. */
  receipt(isUnheard: boolean): Receipt | undefined {
    if (this.#next === undefined) return undefined;
    const receipt = { life: this.life, received: this.#next, heard: this.#heard };
    return isUnheard ? { ...receipt, isUnheard } : receipt;
  }

  #withEarly(fresh: readonly Letter[]): readonly Letter[] {
    let next = this.#next ?? 0;
    const all = [...fresh];
    for (let letter = this.#early.get(next); letter !== undefined; letter = this.#early.get(next)) {
      all.push(letter);
      next++;
    }
    this.#next = next;
    for (const number of this.#early.keys()) if (number < next) this.#early.delete(number);
    return all;
  }
}
