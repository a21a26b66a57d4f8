/**
 * How a simulated task reads its pieces: at its own agent, or of others by the network, again while nobody answers, as
 * net/resumed_body.ts does, and to the end where they are still written.
 */
import type { WireError } from "../../core/errors.ts";
import type { ShardPiece, TaskInput } from "../../core/plan/physical.ts";
import type { TaskOrder } from "../../core/schedule/attempts/order.ts";
import type { PartPort } from "./ports.ts";
import { type Content, type Rows, rowsOfPiece } from "./rows.ts";
import { type World, wireError } from "./world.ts";

const WAITS_MS = [20, 200, 1_000];

export interface Reading {
  /** False once the task has ended otherwise. */
  readonly isWanted: () => boolean;
  readonly onRead: (contents: ReadonlyMap<ShardPiece, Rows>) => void;
  readonly onError: (error: WireError) => void;
}

export class PieceReader {
  readonly #part: PartPort;
  readonly #world: World;
  readonly #pieces: readonly ShardPiece[];
  readonly #input: TaskInput;
  readonly #rows = new Map<ShardPiece, Rows>();

  constructor(part: PartPort, world: World, { input }: TaskOrder) {
    this.#input = input;
    this.#part = part;
    this.#world = world;
    this.#pieces = [...input.pieces, ...Object.values(input.sides)].flat();
  }

  read(reading: Reading): void {
    if (this.#pieces.length === 0) {
      reading.onRead(this.#rows);
      return;
    }
    for (const piece of this.#pieces) {
      if (piece.agent === this.#part.agent.name) {
        this.#part.find(piece.attempt, (content) => this.#found(piece, content, reading));
      } else {
        this.#ask(piece, 0, reading);
      }
    }
  }

  #ask(piece: ShardPiece, failures: number, reading: Reading): void {
    if (!reading.isWanted()) return;
    const to = this.#world.agents.get(piece.agent);
    if (to === undefined) throw new Error(`${piece.attempt} is on ${piece.agent}, which never was`);
    this.#world.network.call<Content | undefined>({
      from: this.#part.agent,
      to,
      handle: (answer) => {
        const part = to.jobs.get(this.#part.job);
        if (part === undefined) answer(undefined);
        else part.find(piece.attempt, answer);
      },
      onAnswer: (content) => this.#found(piece, content, reading),
      onBroken: () => {
        if (failures >= WAITS_MS.length || !piece.isCommitted) {
          const why = `agent ${piece.agent} cannot be reached`;
          reading.onError({ ...lost(piece, why), cause: wireError("unreachable", why) });
        } else {
          this.#world.timeline.after(WAITS_MS[failures], () => this.#ask(piece, failures + 1, reading));
        }
      },
    });
  }

  #found(piece: ShardPiece, content: Content | undefined, reading: Reading): void {
    if (content === undefined) {
      reading.onError(lost(piece, "it is not there"));
      return;
    }
    this.#rows.set(piece, rowsOfPiece(content, piece, this.#input));
    if (this.#rows.size === this.#pieces.length) reading.onRead(this.#rows);
  }
}

function lost({ attempt }: ShardPiece, why: string): WireError {
  return wireError("shard-lost", `Cannot read shard ${attempt}: ${why}`, { attempt });
}
