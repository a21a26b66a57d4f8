/**
 * Reads the small shards of one complete dataset that lie on other machines: many with one request to their agent.
 *
 * How large they are it knows before it asks; larger ones are streamed, each by itself. What is not there is told as lost.
 */
import { ShardLostError } from "../../../core/errors.ts";
import type { BatchReader } from "../../../core/exec/ports.ts";
import type { ShardPiece } from "../../../core/plan/physical.ts";
import { codecPorts } from "../../codec_ports.ts";
import type { PieceAnswer } from "../../protocol.ts";
import { answered } from "../../resumed_body.ts";
import { HeldReader } from "../../store/held_shard.ts";
import { lost } from "../../store/shard_index.ts";
import type { AgentClient } from "../agents/agent_client.ts";

const SMALL_BYTES = 64 * 1024;
/** Of one answer: who takes the first rows need not wait for many others. */
const MAX_ASKED_BYTES = 1024 * 1024;
const MAX_ASKED = 1000;

export interface SmallShardsOptions {
  readonly clientOf: (agent: string) => AgentClient;
  readonly signal: AbortSignal;
  /** Where the shards are now. */
  readonly pieces: () => readonly { readonly shard: number; readonly piece: ShardPiece }[];
  /** Of each shard. */
  readonly sizes: readonly { readonly bytes: number }[];
}

export class SmallShards {
  readonly #options: SmallShardsOptions;
  /** By attempt, those that were not read yet. */
  readonly #came = new Map<string, PieceAnswer>();

  constructor(options: SmallShardsOptions) {
    this.#options = options;
  }

  /**
   * Reads a shard, and fetches those after it that lie on the same agent.
   *
   * @returns Undefined when it is to be streamed. @throws {ShardLostError}
   */
  async read(shard: number, piece: ShardPiece): Promise<BatchReader | undefined> {
    const { attempt } = piece;
    if (!this.#came.has(attempt)) {
      if (!this.#isSmall(shard)) return undefined;
      await this.#fetch(shard, piece);
    }
    const answer = this.#came.get(attempt);
    this.#came.delete(attempt);
    if (answer === "stream" || answer === undefined) return undefined;
    if (answer === null) throw lost(attempt, "its agent does not have it");
    return new HeldReader(answer, attempt, codecPorts);
  }

  #isSmall(shard: number): boolean {
    return (this.#options.sizes.at(shard)?.bytes ?? Number.POSITIVE_INFINITY) <= SMALL_BYTES;
  }

  async #fetch(first: number, { agent, attempt }: ShardPiece): Promise<void> {
    const { clientOf, signal, pieces, sizes } = this.#options;
    const asked: ShardPiece[] = [];
    let sizeBytes = 0;
    for (const { shard, piece } of pieces()) {
      const isMeant = shard >= first && piece.agent === agent && piece.isCommitted && this.#isSmall(shard);
      if (!isMeant) continue;
      sizeBytes += sizes[shard].bytes;
      if (asked.length > 0 && (sizeBytes > MAX_ASKED_BYTES || asked.length >= MAX_ASKED)) break;
      asked.push(piece);
    }
    const client = clientOf(agent);
    try {
      const answers = await answered(() => client.readPieces(asked, signal), signal);
      for (const [i, answer] of answers.entries()) this.#came.set(asked[i].attempt, answer);
    } catch (cause) {
      if (signal.aborted || cause instanceof ShardLostError) throw cause;
      throw lost(attempt, `agent ${agent} cannot be asked for it`, cause);
    }
  }
}
