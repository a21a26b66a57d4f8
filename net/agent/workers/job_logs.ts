/**
 * What the workers of a job print and log: told to the driver, and kept here for those who ask, as much of it as fits.
 *
 * It does not know who asks for it.
 */
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import type { SequenceOutbox } from "../sequence_outbox.ts";

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
/** Those that wait for the driver beyond this number are dropped, and counted. */
const MAX_WAITING = 20_000;

export class JobLogs {
  readonly #events: SequenceOutbox<AgentEvent>;
  #entries: LogEntry[] = [];
  #first = 0;
  #bytes = 0;
  #next = 0;
  #dropped = 0;

  /** @param events Of the job, on their way to its driver. */
  constructor(events: SequenceOutbox<AgentEvent>) {
    this.#events = events;
  }

  /** @param attempt What the worker runs, where that is known. */
  add(entry: Pick<LogEntry, "worker" | "level" | "text">, attempt?: string): void {
    this.#keep({ number: this.#next++, time: Date.now(), ...entry });
    this.#tell({ kind: "log", ...entry, ...(attempt === undefined ? {} : { attempt }) });
  }

  #keep(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.text.length + ENTRY_BYTES;
    while (this.#bytes > MAX_BYTES) this.#bytes -= this.#entries[this.#first++].text.length + ENTRY_BYTES;
    if (this.#first < 1024 || this.#first < this.#entries.length / 2) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }

  #tell(event: Extract<AgentEvent, { kind: "log" }>): void {
    if (this.#events.waiting >= MAX_WAITING || !this.#events.hasRoom) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) {
      const text = `${this.#dropped} log lines were dropped: the driver reads them too slowly`;
      this.#events.push({ kind: "log", worker: event.worker, level: "warn", text });
      this.#dropped = 0;
    }
    this.#events.push(event);
  }

  /** The entries from a number on; older ones may be gone. @param worker Only those of this worker. */
  read(from = 0, worker?: number): readonly LogEntry[] {
    const entries = this.#entries.slice(this.#first);
    return entries.filter(
      (entry) => entry.number >= from && (worker === undefined || entry.worker === worker),
    );
  }
}
