/**
 * Compiles generated functions and keeps them by a key, and says whether any are wanted.
 *
 * The one place where text becomes code. Values are bound as parameters, never spliced into the
 * text. Whoever generates code has a general way beside it that gives the same results.
 */

/** Keys are few (shapes and kinds of steps); the bound is for programs that make ever new shapes. */
const MAX_CACHED = 1000;

let isWanted = true;

/** False when everything must go the general way: kernels that replace user-visible steps stay away too. */
export function wantsGeneratedCode(): boolean {
  return isWanted;
}

/** Turns generated code on or off for this process, for what begins from now on. */
export function useGeneratedCode(isOn: boolean): void {
  isWanted = isOn;
}

/** What one kind of generator made, kept from task to task. */
export class CodeCache<T> {
  readonly #made = new Map<string, T>();

  /** What belongs to a key, made when it is not there. */
  get(key: string, make: () => T): T {
    let made = this.#made.get(key);
    if (made === undefined) {
      if (this.#made.size >= MAX_CACHED) this.#made.clear();
      made = make();
      this.#made.set(key, made);
    }
    return made;
  }
}

/** Compiles the body of a function of the parameters that are named. */
export function compileFunction(parameters: readonly string[], body: string): (...bound: never[]) => unknown {
  return new Function(...parameters, body) as (...bound: never[]) => unknown;
}
