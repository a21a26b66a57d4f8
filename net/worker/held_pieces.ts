/**
 * Small shards that a task reads and that an agent has, its own in memory or another one: asked for many at a time, in
 * the order of the input.
 *
 * What has come and was not read yet stays here, a few MiB at most. It knows nothing of files.
 */
import type { Batch } from "../../core/batch/column.ts";
import { ProtocolError, ShardLostError } from "../../core/errors.ts";
import type { BatchReader } from "../../core/exec/ports.ts";
import type { ShardPiece, TaskInput } from "../../core/plan/physical.ts";
import { codecPorts } from "../codec_ports.ts";
import type { HeldPiece, PieceAnswer } from "../protocol.ts";
import { HeldReader } from "../store/held_shard.ts";

/** The agent answers with fewer when they are large. */
const MAX_ASKED = 5000;

/** Answers with the first ones of what is asked for. */
export type AskForHeld = (pieces: readonly HeldPiece[]) => Promise<readonly PieceAnswer[]>;

export interface HeldPiecesOptions {
  /** Which pieces of the input are asked for. */
  readonly isAskedFor: (piece: ShardPiece) => boolean;
  /** Reads a large one. */
  readonly stream: (piece: ShardPiece) => BatchReader;
}

const OF_OWN_AGENT: HeldPiecesOptions = { isAskedFor: ({ held }) => held === "ask", stream: refuse };

export class HeldPieces {
  readonly #ask: AskForHeld;
  /** Those to ask for of each edge, in order. */
  readonly #edges: readonly (readonly ShardPiece[])[];
  readonly #came = new Map<string, PieceAnswer>();
  readonly #stream: HeldPiecesOptions["stream"];
  #asking: Promise<void> | undefined;

  constructor(
    { pieces, sides }: TaskInput,
    ask: AskForHeld,
    { isAskedFor, stream }: HeldPiecesOptions = OF_OWN_AGENT,
  ) {
    this.#ask = ask;
    this.#stream = stream;
    this.#edges = [...pieces, ...Object.values(sides)].map((edge) => edge.filter(isAskedFor));
  }

  read(piece: ShardPiece): BatchReader {
    return new WaitingReader(() => this.#find(piece));
  }

  async #find(piece: ShardPiece): Promise<BatchReader> {
    const key = keyOf(piece);
    // Several may be waited for at a time, of which one request brings all; each is given to one reader.
    while (!this.#came.has(key)) {
      this.#asking ??= this.#fetch(piece, key).finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    const items = this.#came.get(key);
    this.#came.delete(key);
    if (items === undefined || items === null) throw notThere(piece);
    return items === "stream" ? this.#stream(piece) : new HeldReader(items, piece.attempt, codecPorts);
  }

  async #fetch(piece: ShardPiece, key: string): Promise<void> {
    const asked = this.#from(key) ?? [piece];
    const answer = await this.#ask(
      asked.map(({ attempt, partition, chunks }) => {
        return { attempt, partition, ...(chunks === undefined ? {} : { chunks }) };
      }),
    );
    if (answer.length === 0) throw notThere(piece);
    for (const [i, items] of answer.entries()) this.#came.set(keyOf(asked[i]), items);
  }

  /** A piece, and those after it on its edge. */
  #from(key: string): readonly ShardPiece[] | undefined {
    for (const edge of this.#edges) {
      const at = edge.findIndex((piece) => keyOf(piece) === key);
      if (at >= 0) return edge.slice(at, at + MAX_ASKED);
    }
    return undefined;
  }
}

/** Reads what is still on its way. */
class WaitingReader implements BatchReader {
  readonly #open: () => Promise<BatchReader>;
  #reader: BatchReader | undefined;
  #isClosed = false;

  constructor(open: () => Promise<BatchReader>) {
    this.#open = open;
  }

  next(): Batch | undefined | Promise<Batch | undefined> {
    if (this.#isClosed) return undefined;
    return this.#reader === undefined ? this.#first() : this.#reader.next();
  }

  close(): void {
    this.#isClosed = true;
    this.#reader?.close();
  }

  async #first(): Promise<Batch | undefined> {
    this.#reader = await this.#open();
    if (this.#isClosed) this.#reader.close();
    return this.#reader.next();
  }
}

function refuse({ attempt }: ShardPiece): never {
  throw new ProtocolError(`Cannot read shard ${attempt}: its agent says that it is large, and it is not`);
}

function notThere({ attempt }: ShardPiece): ShardLostError {
  return new ShardLostError(`Cannot read shard ${attempt}: its agent does not have it`, {
    fields: { attempt },
  });
}

function keyOf({ attempt, partition, chunks }: ShardPiece): string {
  return `${attempt}/${partition}/${chunks?.from}/${chunks?.to}`;
}
