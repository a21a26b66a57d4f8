/**
 * What a worker has to tell its agent while a task runs, gathered to few requests.
 *
 * Messages go at once, log lines soon, progress a few times a second. What is not
 * sent when the task ends travels with the next `next` request, so a short task
 * costs no request of its own.
 */
import type { TaskReport } from "../../core/schedule/report.ts";
import type { WorkerReport } from "../protocol.ts";

export type SendReports = (events: readonly WorkerReport[]) => Promise<void>;

const PERIOD_MS = 250;
const MAX_WAITING_LOGS = 2000;

export class ReportQueue {
  readonly #send: SendReports;
  #events: WorkerReport[] = [];
  #progress: { readonly attempt: string; readonly totals: TaskReport } | undefined;
  #droppedLogs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> | undefined;
  #lastSent = performance.now();

  constructor(send: SendReports) {
    this.#send = send;
  }

  message(message: unknown): void {
    this.#events.push({ kind: "message", message });
    this.#schedule(0);
  }

  /** Goes with the next request, or at once. */
  tell(event: Extract<WorkerReport, { kind: "ended" | "returned" }>, isUrgent: boolean): void {
    this.#events.push(event);
    if (isUrgent) this.#schedule(0);
  }

  log(event: Extract<WorkerReport, { kind: "log" }>): void {
    if (this.#events.length >= MAX_WAITING_LOGS) {
      this.#droppedLogs++;
      return;
    }
    this.#events.push(event);
    this.#schedule(this.#rest());
  }

  progress(attempt: string, totals: TaskReport): void {
    this.#progress = { attempt, totals };
    this.#schedule(PERIOD_MS);
  }

  /** Takes what is left, once nothing is under way; the totals of the ended attempt travel in its result. */
  async drain(): Promise<readonly WorkerReport[]> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#progress = undefined;
    if (this.#sending !== undefined) await this.#sending;
    return this.#take();
  }

  #rest(): number {
    return Math.max(0, PERIOD_MS - (performance.now() - this.#lastSent));
  }

  #schedule(delayMs: number): void {
    if (delayMs === 0 && this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, delayMs);
  }

  #flush(): void {
    if (this.#sending !== undefined) return;
    const events = this.#take();
    if (events.length === 0) return;
    this.#lastSent = performance.now();
    this.#sending = this.#send(events).then(() => {
      this.#sending = undefined;
      if (this.#events.length > 0) this.#schedule(this.#rest());
    });
  }

  #take(): readonly WorkerReport[] {
    const events = this.#events;
    this.#events = [];
    if (this.#droppedLogs > 0) {
      const text = `${this.#droppedLogs} log lines were dropped: too many at once`;
      events.push({ kind: "log", level: "warn", text });
      this.#droppedLogs = 0;
    }
    if (this.#progress !== undefined) events.push({ kind: "progress", ...this.#progress });
    this.#progress = undefined;
    return events;
  }
}
