/**
 * Channels: rows that the driver's program feeds into running flows.
 *
 * A channel is a shard that the driver writes on an agent; flows read it while it grows.
 * Rows are sent at once when the source pauses, in batches when it is fast.
 */
import { BatchBuilder } from "../../../core/batch/batch_builder.ts";
import { encodeBatch } from "../../../core/batch/codec.ts";
import type { Batch } from "../../../core/batch/column.ts";
import { describeThrown, LucioleError } from "../../../core/errors.ts";
import { joinBytes } from "../../../core/format/join_bytes.ts";
import { type DatasetInput, DatasetRef } from "../../../core/program/dataset_ref.ts";
import { codecPorts } from "../../codec_ports.ts";
import type { AgentClient } from "../agents/agent_client.ts";
import type { HeldInput } from "../handle.ts";
import { countUses, type EndUse, endWhenDropped } from "../uses.ts";

const MAX_ROWS_A_SEND = 8192;
const FLUSH_AFTER_MS = 1;

interface ChannelOptions<T> {
  readonly attempt: string;
  readonly client: AgentClient;
  readonly source: AsyncIterable<T> | Iterable<T>;
  /** The shard is open on its agent. */
  readonly opened: Promise<void>;
  readonly signal: AbortSignal;
  /** Told when the shard is closed, with its totals. */
  readonly onClosed: (rows: number, bytes: number) => void;
  /** Told why the shard will never be whole. */
  readonly onFailed: (error: LucioleError) => void;
  /** Told when neither the program nor an execution that is about to begin refers to it. */
  readonly onUnused: () => void;
  /** Aborted when nobody will read what is still to come. */
  readonly unread: AbortSignal;
}

/** Makes a channel on its agent. */
export let createChannel: <T>(options: ChannelOptions<T>) => Channel<T>;
/** Begins a use of a channel that outlives its release. @throws {TypeError} If it was released. */
export let holdChannel: (channel: Channel<unknown>) => HeldInput;

/**
 * A source that the driver feeds; give it to a flow as a parameter and read it with `f.from(channel)`.
 *
 * @example Waiting until a flow has taken all rows
 * ```ts
 * import { type Channel, type DatasetInput, flow, run } from "luciole";
 * const last = flow("last-row", (f, p: { rows: DatasetInput<string> }) => f.from(p.rows).max());
 * const isTaken = async (rows: Channel<string>): Promise<boolean> => (await rows.done, rows.isClosed);
 * await run(async (job) => {
 *   const rows = job.channel(["a", "b"]);
 *   const { outputs } = job.start(last, { rows });
 *   console.log(await isTaken(rows), await outputs.collect()); // true ["b"]
 * });
 * ```
 */
export class Channel<T> implements DatasetInput<T>, Disposable {
  /** Resolves when the source is at its end and all rows were taken; rejects with the source's failure. */
  readonly done: Promise<void>;
  readonly #ref: DatasetRef<T>;
  readonly #opened: Promise<void>;
  readonly #retain: () => EndUse;
  readonly #end: EndUse;
  #isClosed = false;
  #isReleased = false;

  static {
    createChannel = (options) => new Channel(options);
    holdChannel = (channel) => channel.#hold();
  }

  private constructor(options: ChannelOptions<T>) {
    this.#ref = new DatasetRef<T>({ id: options.attempt, shards: 1, rows: Infinity, bytes: Infinity });
    this.#opened = options.opened;
    this.#retain = countUses(options.onUnused);
    this.#end = this.#retain();
    endWhenDropped(this, this.#end);
    this.done = this.#pump(options).finally(() => {
      this.#isClosed = true;
    });
    this.done.catch(() => undefined);
  }

  /** True when the last row was sent. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when flows can read from it. */
  complete(): Promise<void> {
    return this.#opened;
  }

  /** What stands for the channel in a flow's parameters. */
  get ref(): DatasetRef<T> {
    return this.#ref;
  }

  /**
   * Gives the channel up: no flow can begin to read it. Those that read it already get all rows; when there is none, the
   * source is ended, and the rows that were sent are freed. Safe to call twice.
   */
  release(): void {
    this.#isReleased = true;
    this.#end();
  }

  /** Releases it, at the end of the block that says `using rows = …`. */
  [Symbol.dispose](): void {
    this.release();
  }

  #hold(): HeldInput {
    if (this.#isReleased) throw new TypeError(`Cannot read ${this.#ref.id}: it was released`);
    return { complete: () => this.#opened, ref: () => this.#ref, end: this.#retain() };
  }

  async #pump(options: ChannelOptions<T>): Promise<void> {
    const outbox = new Outbox(options);
    try {
      await this.#send(options, outbox);
    } catch (cause) {
      const why = describeThrown(cause);
      const told = cause === outbox.trouble ? why : `its source failed: ${why}`;
      const message = `Cannot go on with ${options.attempt}: ${told}`;
      if (!options.signal.aborted) options.onFailed(new LucioleError("channel", message, { cause }));
      throw cause;
    }
  }

  async #send(options: ChannelOptions<T>, outbox: Outbox): Promise<void> {
    await outbox.heard(options.opened);
    const aborted = new Promise<"aborted">((resolve) => {
      // While it was opened.
      if (options.signal.aborted) resolve("aborted");
      options.signal.addEventListener("abort", () => resolve("aborted"), { once: true });
    });
    // A source that never yields again must not keep the channel; it is left behind.
    const unread = new Promise<"unread">((resolve) => {
      if (options.unread.aborted) resolve("unread");
      options.unread.addEventListener("abort", () => resolve("unread"), { once: true });
    });
    const end = await Promise.race([this.#feed(options, outbox), aborted, unread, outbox.failed]);
    if (end === "aborted") return;
    if (end !== "unread") await outbox.send();
    await outbox.heard(options.client.closeChannel(options.attempt));
    options.onClosed(outbox.rows, outbox.bytes);
  }

  async #feed(options: ChannelOptions<T>, outbox: Outbox): Promise<void> {
    for await (const row of options.source) {
      if (options.signal.aborted || options.unread.aborted) return;
      if (outbox.append(row) >= MAX_ROWS_A_SEND) await outbox.send();
    }
  }
}

/** Rows on their way: sent when there are many, or a moment after the last one came. */
class Outbox {
  rows = 0;
  bytes = 0;
  /** Why the agent does not have them: no fault of the source. */
  trouble: unknown;
  readonly #items: Uint8Array[] = [];
  readonly #builder: BatchBuilder;
  readonly #client: AgentClient;
  readonly #attempt: string;
  readonly #failed = Promise.withResolvers<never>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor({ client, attempt }: Pick<ChannelOptions<unknown>, "client" | "attempt">) {
    this.#client = client;
    this.#attempt = attempt;
    this.#failed.promise.catch(() => undefined);
    this.#builder = new BatchBuilder({
      maxRows: MAX_ROWS_A_SEND,
      onBatch: (batch: Batch) => {
        this.#items.push(encodeBatch(batch, codecPorts));
        this.rows += batch.rows;
      },
    });
  }

  /** Rejects when rows cannot be sent, whoever waits for that or not. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Holds a row; returns how many wait to be sent. */
  append(row: unknown): number {
    this.#builder.append(row);
    this.#timer ??= setTimeout(() => void this.send().catch(this.#failed.reject), FLUSH_AFTER_MS);
    return this.#builder.rows + this.#items.length * MAX_ROWS_A_SEND;
  }

  /** Sends all rows held; resolves when the reader has room for more. */
  send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending = this.#sending.then(async () => {
      this.#builder.flush();
      const bytes = joinBytes(this.#items.splice(0));
      const at = this.bytes;
      this.bytes += bytes.byteLength;
      if (bytes.byteLength > 0) await this.heard(this.#client.appendToChannel(this.#attempt, bytes, at));
    });
    return this.#sending;
  }

  /** Waits for the agent, and notes what it fails of. */
  async heard(asked: Promise<void>): Promise<void> {
    try {
      await asked;
    } catch (error) {
      this.trouble = error;
      throw error;
    }
  }
}
