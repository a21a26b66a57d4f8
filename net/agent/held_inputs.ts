/**
 * Puts the small shards that an order reads into the order, so that its worker needs neither file nor request.
 *
 * Beyond a bound the worker is told to ask. It knows nothing of queues.
 */
import type { ShardPiece } from "../../core/plan/physical.ts";
import type { TaskOrder } from "../../core/schedule/order.ts";
import { cutItems } from "../store/held_shard.ts";
import type { HeldShards } from "./held_shards.ts";

/** What an order carries at most. */
const MAX_INLINE_BYTES = 1024 * 1024;

export function withHeldInputs(order: TaskOrder, agent: string, shards: HeldShards): TaskOrder {
  const { pieces, sides } = order.input;
  let leftBytes = MAX_INLINE_BYTES;
  const located = (piece: ShardPiece): ShardPiece => {
    if (piece.agent !== agent || !piece.isCommitted) return piece;
    const items = shards.items(piece.attempt, piece.partition);
    if (items === undefined) return piece;
    const { chunks, ...rest } = piece;
    const held = cutItems(items, chunks);
    if (held.byteLength > leftBytes) return { ...piece, held: "ask" };
    leftBytes -= held.byteLength;
    return { ...rest, held };
  };
  const isReading = pieces.some((edge) => edge.length > 0) || Object.keys(sides).length > 0;
  if (!isReading) return order;
  const input = {
    ...order.input,
    pieces: pieces.map((edge) => edge.map(located)),
    sides: Object.fromEntries(Object.entries(sides).map(([place, edge]) => [place, edge.map(located)])),
  };
  return { ...order, input };
}
