/**
 * The end of a task with its rows, where these are few: a driver on another machine is likely to read them next.
 *
 * Bounded by all that events carry which the driver has not acknowledged. It knows no streams.
 */
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import type { HeldShards } from "./held_shards.ts";

/** Of one shard, and of all events that are kept, beyond which none is told. */
const MAX_BYTES = 4 * 1024;
const MAX_WEIGHT = 4 * 1024 * 1024;

/** @param weight Of the events that are kept. */
export function withItems(event: AgentEvent, shards: HeldShards, weight: number): AgentEvent {
  if (weight >= MAX_WEIGHT || event.kind !== "attemptEnded" || event.result.kind !== "committed")
    return event;
  if (event.result.shard.partitions.length !== 1) return event;
  const items = shards.items(event.attempt, 0);
  return items === undefined || items.byteLength > MAX_BYTES ? event : { ...event, items };
}

/** What may be large in an event. */
export function weightOf(event: AgentEvent): number {
  if (event.kind === "log") return event.text.length;
  return event.kind === "attemptEnded" ? (event.items?.byteLength ?? 0) : 0;
}
