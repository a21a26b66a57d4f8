/**
 * Puts the small shards that orders read into the orders, so that their workers need neither files nor requests.
 *
 * Beyond a bound the worker is told to ask. It knows nothing of queues.
 */
import type { ShardPiece } from "../../../core/plan/physical.ts";
import type { TaskOrder } from "../../../core/schedule/attempts/order.ts";
import type { HeldPiece } from "../../protocol.ts";
import { cutItems } from "../../store/held_shard.ts";
import type { HeldShards } from "./held_shards.ts";

/** What the orders of one answer carry at most. */
const MAX_INLINE_BYTES = 512 * 1024;
/** Of a side: it may be read once for many tasks, and then most orders would carry it in vain. */
const MAX_SIDE_BYTES = 4 * 1024;
/** What one answer to a worker that asks holds, about. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Orders that are given together, with what they read of the agent's memory. */
export function withHeldInputs(orders: readonly TaskOrder[], agent: string, shards: HeldShards): TaskOrder[] {
  let leftBytes = MAX_INLINE_BYTES;
  const locate = (piece: ShardPiece, maxBytes: number): ShardPiece => {
    if (piece.agent !== agent || !piece.isCommitted) return piece;
    const items = shards.items(piece.attempt, piece.partition);
    if (items === undefined) return piece;
    const { chunks, ...rest } = piece;
    const held = cutItems(items, chunks);
    if (held.byteLength > Math.min(leftBytes, maxBytes)) return { ...piece, held: "ask" };
    leftBytes -= held.byteLength;
    return { ...rest, held };
  };
  return orders.map((order) => {
    const { pieces, sides } = order.input;
    const places = Object.entries(sides);
    if (places.length === 0 && pieces.every((edge) => edge.length === 0)) return order;
    const input = {
      ...order.input,
      pieces: pieces.map((edge) => edge.map((piece) => locate(piece, MAX_INLINE_BYTES))),
      sides: Object.fromEntries(
        places.map(([place, edge]) => [place, edge.map((piece) => locate(piece, MAX_SIDE_BYTES))]),
      ),
    };
    return { ...order, input };
  });
}

/** What a worker asks for, as far as it fits in one answer; at least the first. @throws {ShardLostError} */
export function heldAnswer(pieces: readonly HeldPiece[], shards: HeldShards): (Uint8Array | null)[] {
  const answer: (Uint8Array | null)[] = [];
  let sizeBytes = 0;
  for (const { attempt, partition, chunks } of pieces) {
    if (sizeBytes >= MAX_ANSWER_BYTES) break;
    const items = shards.items(attempt, partition);
    answer.push(items === undefined ? null : cutItems(items, chunks));
    sizeBytes += items?.byteLength ?? 0;
  }
  return answer;
}
