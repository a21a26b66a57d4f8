/**
 * A bounded queue between rows that are pushed and one reader that waits.
 *
 * It bounds rows, not calls: a push always succeeds, and `drained` tells when to
 * go on. It knows nothing of what the reader does.
 */
import type { Batch, Column } from "../../batch/column.ts";
import { rowReader } from "../../batch/row_reader.ts";

/** Some rows in order. */
export interface RowGroup {
  readonly length: number;
  readonly read: (i: number) => unknown;
  /** The same rows as a column, when they came as one. */
  readonly column?: Column;
}

const GROUP_ROWS = 256;
/** The queue has room while it holds fewer rows than this. */
const ROOM_ROWS = 4096;

export class Feed {
  #groups: RowGroup[] = [];
  #rows = 0;
  /** Single rows on their way into a group. */
  #open: unknown[] = [];
  #state: "open" | "ended" | "stopped" = "open";
  #readable: (() => void) | undefined;
  #roomWaits: (() => void)[] = [];

  /** True when nobody will read any more. */
  get isStopped(): boolean {
    return this.#state === "stopped";
  }

  row(row: unknown): void {
    this.#open.push(row);
    if (this.#open.length >= GROUP_ROWS) this.flush();
  }

  batch({ rows, column }: Batch): void {
    this.flush();
    this.#push({ length: rows, read: rowReader(column), column });
  }

  /** Lets the reader have the rows that wait for a group to be full. */
  flush(): void {
    if (this.#open.length === 0) return;
    const rows = this.#open;
    this.#open = [];
    this.#push({ length: rows.length, read: (i) => rows[i] });
  }

  /** No more rows will come. */
  end(): void {
    this.flush();
    if (this.#state === "open") this.#state = "ended";
    this.#wakeReader();
  }

  /** The reader has had enough: rows are dropped from now on. */
  stop(): void {
    this.#state = "stopped";
    this.#groups = [];
    this.#open = [];
    this.#rows = 0;
    this.#wakeReader();
    this.#wakeWriter();
  }

  /** The next rows; undefined at the end. Only one caller waits at a time. */
  take(): RowGroup | undefined | Promise<RowGroup | undefined> {
    const group = this.#groups.shift();
    if (group !== undefined) {
      this.#rows -= group.length;
      if (this.#rows < ROOM_ROWS) this.#wakeWriter();
      return group;
    }
    if (this.#state !== "open") return undefined;
    return new Promise<void>((resolve) => {
      this.#readable = resolve;
    }).then(() => this.take());
  }

  drained(): Promise<void> | undefined {
    this.flush();
    if (this.#rows < ROOM_ROWS || this.#state === "stopped") return undefined;
    return new Promise((resolve) => {
      this.#roomWaits.push(resolve);
    });
  }

  #push(group: RowGroup): void {
    if (this.#state !== "open" || group.length === 0) return;
    this.#groups.push(group);
    this.#rows += group.length;
    this.#wakeReader();
  }

  #wakeReader(): void {
    const wake = this.#readable;
    this.#readable = undefined;
    wake?.();
  }

  #wakeWriter(): void {
    const waits = this.#roomWaits;
    this.#roomWaits = [];
    for (const wake of waits) wake();
  }
}
