/**
 * Small shards that came with the ends of their tasks: who collects them asks their agents for nothing.
 *
 * They are kept until they are released, up to a bound. That they are here says nothing of whether the agent has them still.
 */
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";

const DEFAULT_BYTES = 4 * 1024 * 1024;
/** What one takes beside its bytes, about. */
const OVERHEAD_BYTES = 128;

export class ShownShards {
  readonly #maxBytes: number;
  readonly #shards = new Map<string, { readonly agent: string; readonly items: Uint8Array }>();
  #usedBytes = 0;

  constructor(maxBytes = DEFAULT_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Keeps what came with events of an agent. */
  take(agent: string, events: readonly AgentEvent[]): void {
    for (const event of events) {
      if (event.kind !== "attemptEnded" || event.items === undefined) continue;
      const sizeBytes = event.items.byteLength + OVERHEAD_BYTES;
      if (this.#usedBytes + sizeBytes > this.#maxBytes || this.#shards.has(event.attempt)) continue;
      this.#usedBytes += sizeBytes;
      // A copy: it came with much else.
      this.#shards.set(event.attempt, { agent, items: event.items.slice() });
    }
  }

  /** The batches of a shard, which must not be changed; undefined when it did not come, or is gone. */
  items(attempt: string): Uint8Array | undefined {
    return this.#shards.get(attempt)?.items;
  }

  release(attempts: readonly string[]): void {
    for (const attempt of attempts) {
      const shard = this.#shards.get(attempt);
      if (shard === undefined) continue;
      this.#usedBytes -= shard.items.byteLength + OVERHEAD_BYTES;
      this.#shards.delete(attempt);
    }
  }

  /** The agent is gone, and what it kept is computed again. */
  dropAgent(agent: string): void {
    this.release([...this.#shards].filter(([, shard]) => shard.agent === agent).map(([attempt]) => attempt));
  }
}
