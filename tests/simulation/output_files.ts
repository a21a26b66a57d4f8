/**
 * The file system that outputs are written to, as net/sink uses it: attempts stage files, and publishing moves those
 * of the winners, all or none.
 *
 * It takes a while, in which anything may happen: other machines go on writing to the staging directory.
 */
import { add, NO_ROWS, type Rows } from "./rows.ts";

interface Staging {
  /** By attempt; undefined while it is written. */
  readonly files: Map<string, Rows | undefined>;
  /** What will be the output. */
  whole: Map<string, Rows> | undefined;
}

export class OutputFiles {
  readonly #stagings = new Map<string, Staging>();
  /** What can be read at each place, and how often something was put there. */
  readonly outputs = new Map<string, { readonly files: ReadonlyMap<string, Rows>; readonly times: number }>();

  get staged(): number {
    return this.#stagings.size;
  }

  open(place: string): void {
    this.#stagings.set(place, { files: new Map(), whole: undefined });
  }

  /** False when the directory is gone. */
  create(place: string, attempt: string): boolean {
    return this.#stagings.get(place)?.files.set(attempt, undefined) !== undefined;
  }

  write(place: string, attempt: string, rows: Rows): boolean {
    const files = this.#stagings.get(place)?.files;
    if (files?.has(attempt) !== true) return false;
    files.set(attempt, rows);
    return true;
  }

  remove(place: string, attempt: string): void {
    this.#stagings.get(place)?.files.delete(attempt);
  }

  /** Takes the files of the winners out of what was staged. */
  gather(place: string, attempts: readonly string[]): void {
    const staging = this.#stagings.get(place);
    if (staging === undefined) throw new Error(`${place} is published and was not staged`);
    staging.whole = new Map();
    for (const attempt of attempts) {
      const rows = staging.files.get(attempt);
      if (rows === undefined) throw new Error(`${place} is published without the file of ${attempt}`);
      staging.files.delete(attempt);
      staging.whole.set(attempt, rows);
    }
  }

  put(place: string): void {
    const whole = this.#stagings.get(place)?.whole;
    if (whole === undefined) throw new Error(`${place} was not gathered`);
    const times = (this.outputs.get(place)?.times ?? 0) + 1;
    this.outputs.set(place, { files: whole, times });
    this.#stagings.delete(place);
  }

  discard(place: string): void {
    this.#stagings.delete(place);
  }

  /** All rows at a place. */
  read(place: string): Rows | undefined {
    const output = this.outputs.get(place);
    return output && [...output.files.values()].reduce(add, NO_ROWS);
  }
}
