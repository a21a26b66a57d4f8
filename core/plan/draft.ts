/**
 * A task group while it grows, and a dataset that is stored.
 */
import type { NodeId } from "../graph/node.ts";
import type { Ordering } from "./ordering.ts";
import type { Head, InputEdge, StepPlan, Tail, TaskGroupPlan } from "./physical.ts";
import type { Placement } from "./placement.ts";

/** A committed or to be committed dataset that edges may read. */
export interface Stored {
  readonly from: InputEdge["from"];
  readonly shards: number;
  readonly bytes: number;
  readonly placement?: Placement;
  readonly ordering?: Ordering;
}

/** Head and steps so far; the tail is not decided yet. */
export interface Draft {
  readonly head: Head;
  readonly steps: StepPlan[];
  readonly nodes: NodeId[];
  readonly notes: string[];
  readonly tasks: number;
  readonly needsCommittedInput: boolean;
  /** The user said how many tasks there are. */
  readonly hasDemandedShards?: boolean;
  /** Set when the head reads this shard by shard; without steps the draft is that dataset. */
  readonly reads?: Stored;
  bytes: number;
  placement?: Placement;
  ordering?: Ordering;
}

export interface DraftStart {
  readonly head: Head;
  readonly tasks: number;
  readonly bytes: number;
  readonly nodes?: readonly NodeId[];
  readonly needsCommittedInput?: boolean;
  readonly hasDemandedShards?: boolean;
  readonly reads?: Stored;
  readonly placement?: Placement;
  readonly ordering?: Ordering;
}

export function startDraft(start: DraftStart): Draft {
  const { nodes = [], needsCommittedInput = false, ...rest } = start;
  return { ...rest, steps: [], nodes: [...nodes], notes: [], needsCommittedInput };
}

/** A draft whose task i reads shard i. */
export function readShards(stored: Stored, needsCommittedInput = false): Draft {
  const { from, shards, bytes, placement, ordering } = stored;
  const head: Head = { kind: "read", inputs: [{ from, mode: "forward" }] };
  return startDraft({ head, tasks: shards, bytes, placement, ordering, needsCommittedInput, reads: stored });
}

/** A draft of one task that reads all shards in order. */
export function readAll(stored: Stored): Draft {
  const { from, bytes, ordering } = stored;
  return startDraft({
    head: { kind: "read", inputs: [{ from, mode: "all" }] },
    tasks: 1,
    bytes,
    ordering: ordering?.isGlobal ? ordering : undefined,
  });
}

/** Ends a draft with its tail. */
export function closeDraft(id: number, draft: Draft, tail: Tail, label: string): TaskGroupPlan {
  return {
    id,
    head: draft.head,
    steps: draft.steps,
    tail,
    tasks: draft.tasks,
    nodes: [...new Set(draft.nodes)],
    label,
    estimatedBytes: draft.bytes,
    needsCommittedInput: draft.needsCommittedInput,
    ...(draft.hasDemandedShards === true ? { hasDemandedShards: true } : {}),
    ...(draft.notes.length === 0 ? {} : { notes: draft.notes }),
  };
}
