/**
 * What the workers of a job printed and logged of late, as much of it as fits.
 *
 * It does not know who asks for it.
 */
export interface LogEntry {
  /** Counted from 0 over the life of the job here. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** -1 for the agent itself. */
  readonly worker: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
}

const MAX_BYTES = 1024 * 1024;
/** What an entry takes beside its text, about. */
const ENTRY_BYTES = 100;

export class JobLogs {
  #entries: LogEntry[] = [];
  #first = 0;
  #bytes = 0;
  #next = 0;

  add(entry: Omit<LogEntry, "number">): void {
    this.#entries.push({ number: this.#next++, ...entry });
    this.#bytes += entry.text.length + ENTRY_BYTES;
    while (this.#bytes > MAX_BYTES) this.#bytes -= this.#entries[this.#first++].text.length + ENTRY_BYTES;
    if (this.#first < 1024 || this.#first < this.#entries.length / 2) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }

  /** The entries from a number on; older ones may be gone. @param worker Only those of this worker. */
  read(from = 0, worker?: number): readonly LogEntry[] {
    const entries = this.#entries.slice(this.#first);
    return entries.filter(
      (entry) => entry.number >= from && (worker === undefined || entry.worker === worker),
    );
  }
}
