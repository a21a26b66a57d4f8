/**
 * Copies shards from agents to the checkpoint, and from there to agents, by the driver: they need not share a disk.
 *
 * What cannot be copied is told and left: the job does not depend on it. Shards that have a copy already are not
 * copied again.
 */

import type { Batch } from "../../core/batch/column.ts";
import { describeThrown, LucioleError, toWireError } from "../../core/errors.ts";
import { joinBytes } from "../../core/format/join_bytes.ts";
import type { ShardPiece } from "../../core/plan/physical.ts";
import type { AgentClient } from "../driver/agents/agent_client.ts";
import type { KeepCommand, RestoreCommand } from "../driver/executor/shard_keeper.ts";
import { type PiecePlaces, readPiece } from "../driver/reading/read_dataset.ts";
import { systemCode } from "../store/disk.ts";
import type { CheckpointDirectory } from "./checkpoint_directory.ts";
import { readCopy, type ShardCopy } from "./copy_files.ts";
import { Lanes } from "./lanes.ts";

/** Shards that are copied at a time, each way. */
const LANES = 4;
const SEND_BYTES = 4 * 2 ** 20;

export interface CopierOptions {
  readonly directory: CheckpointDirectory;
  readonly places: PiecePlaces;
  readonly warn: (text: string) => void;
}

export class ShardCopier {
  readonly #options: CopierOptions;
  readonly #keeping = new Lanes(LANES);
  readonly #restoring = new Lanes(LANES);
  readonly #running = new Set<Promise<void>>();
  #turn = 0;

  constructor(options: CopierOptions) {
    this.#options = options;
  }

  /** Resolves when nothing is being copied; begin nothing any more before. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  /** @param number Of its execution in the log. @param isWanted Asked when its turn has come. */
  keep(
    { execution, group, shard, pieces }: KeepCommand,
    number: number,
    isWanted: () => boolean,
    onKept: () => void,
  ): void {
    const { executor, signal } = this.#options.places;
    this.#follow(
      this.#keeping.run(async () => {
        const isKept = isWanted() && (await this.copy({ execution: number, group, shard }, pieces, true));
        if (isKept) onKept();
        if (!signal.aborted) executor.feed({ kind: "shardKept", execution, group, shard, isKept });
      }),
    );
  }

  /** @returns Whether there is a copy now. */
  async copy(
    place: { readonly execution: number; readonly group: number; readonly shard: number },
    pieces: readonly ShardPiece[],
    isDurable: boolean,
  ): Promise<boolean> {
    const { directory, places, warn } = this.#options;
    if (!directory.isKept || places.signal.aborted) return false;
    try {
      await directory.copies.write(place, batchesOf(places, pieces), isDurable);
      return true;
    } catch (error) {
      // Its directory was deleted meanwhile: nobody needs it any more.
      if (places.signal.aborted || systemCode(error) === "ENOENT") return false;
      if (error instanceof LucioleError && error.code === "shard-lost") return false;
      if (error instanceof LucioleError && error.code === "disk-full") directory.giveUp(error);
      else warn(`a shard is not kept in the checkpoint: ${describeThrown(error)}`);
      return false;
    }
  }

  restore({ execution, group, task, attempt }: RestoreCommand, copy: ShardCopy | undefined): void {
    const { executor, signal } = this.#options.places;
    const restored = this.#restoring.run(async () => {
      try {
        const agent = await this.#bring(copy, attempt);
        if (signal.aborted || copy === undefined) return;
        const { rows, bytes, batches } = copy;
        const shard = { partitions: [{ rows, bytes, chunks: batches }] };
        executor.feed({ kind: "shardRestored", execution, group, task, attempt, agent, shard });
      } catch (error) {
        if (signal.aborted) return;
        this.#options.warn(`a shard of the checkpoint is computed again: ${describeThrown(error)}`);
        executor.feed({ kind: "restoreFailed", execution, group, task, error: toWireError(error) });
      }
    });
    this.#follow(restored);
  }

  /** @returns The agent that has it now. */
  async #bring(copy: ShardCopy | undefined, attempt: string): Promise<string> {
    if (copy === undefined) throw new LucioleError("checkpoint-damaged", `There is no copy for ${attempt}`);
    const { executor } = this.#options.places;
    for (;;) {
      const { agents } = executor;
      const agent = agents[this.#turn++ % agents.length];
      if (agent === undefined) throw new LucioleError("agents-lost", "The job has no agent any more");
      try {
        await push(agent, attempt, copy);
        return agent.id;
      } catch (error) {
        // An agent that is gone meanwhile has its end told elsewhere.
        if (executor.agents.includes(agent)) throw error;
      }
    }
  }

  #follow(work: Promise<void>): void {
    const followed = work
      .catch((error: unknown) => this.#options.warn(describeThrown(error)))
      .finally(() => this.#running.delete(followed));
    this.#running.add(followed);
  }
}

async function* batchesOf(places: PiecePlaces, pieces: readonly ShardPiece[]): AsyncGenerator<Batch> {
  for (const piece of pieces) yield* readPiece(places, piece);
}

async function push(agent: AgentClient, attempt: string, copy: ShardCopy): Promise<void> {
  await agent.openChannel(attempt, true);
  let position = 0;
  let items: Uint8Array[] = [];
  let held = 0;
  const send = async (): Promise<void> => {
    if (held === 0) return;
    const at = position;
    position += held;
    const bytes = joinBytes(items);
    items = [];
    held = 0;
    await agent.appendToChannel(attempt, bytes, at);
  };
  for (const { item } of readCopy(copy)) {
    items.push(item);
    held += item.byteLength;
    if (held >= SEND_BYTES) await send();
  }
  await send();
  await agent.closeChannel(attempt);
}
