/**
 * When the receiving end of a pair tells what was heard: at once when it is much, soon when it is little, and with
 * whatever goes the other way.
 *
 * It knows nothing of what was heard, nor of how the receipt travels.
 */
import type { Intake } from "../core/messages/intake.ts";
import type { Receipt } from "../core/messages/letter.ts";

/** So many are told at once. */
const MANY_LETTERS = 1024;
const SOON_MS = 20;

export class Receipts {
  readonly #onDue: () => void;
  #intake: Intake | undefined;
  #told: Receipt | undefined;
  #isUnheard = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onDue A receipt is to be taken, at once. */
  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  /** From now on it is of these letters. */
  begin(intake: Intake): void {
    this.#intake = intake;
    this.#told = undefined;
    this.close();
  }

  /** So many letters, from the first one on, were heard. */
  heard(count: number): void {
    this.#intake?.heard(count);
    const due = this.#due();
    if (due === undefined) return;
    if (due.heard - (this.#told?.heard ?? 0) >= MANY_LETTERS) this.#onDue();
    else this.#timer ??= setTimeout(() => this.#soon(), SOON_MS);
  }

  /** Whether letters wait in vain. */
  setUnheard(isUnheard: boolean): void {
    if (this.#isUnheard === isUnheard) return;
    this.#isUnheard = isUnheard;
    if (isUnheard) this.#onDue();
  }

  /** The receipt that is to go now, if there is one. */
  take(): Receipt | undefined {
    const due = this.#due();
    if (due === undefined) return undefined;
    this.#told = due;
    this.close();
    return due;
  }

  /** The last one may not have arrived. */
  broken(): void {
    this.#told = undefined;
  }

  /** None is told by itself any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #soon(): void {
    // What is heard after this is due anew, whether or not somebody takes the receipt.
    this.#timer = undefined;
    this.#onDue();
  }

  #due(): Receipt | undefined {
    const receipt = this.#intake?.receipt(this.#isUnheard);
    const isTold = receipt?.heard === this.#told?.heard && receipt?.isUnheard === this.#told?.isUnheard;
    return isTold ? undefined : receipt;
  }
}
