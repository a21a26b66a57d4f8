/**
 * The state of one planning: which dataset lies where, and the groups so far.
 *
 * A dataset is either a draft that the next step may be fused to, or stored. It
 * knows nothing of what the operations mean; see the `lower_*` files.
 */
import type { Graph, NodeId } from "../graph/node.ts";
import { givenNames } from "../graph/operation_name.ts";
import { closeDraft, type Draft, readShards, type Stored } from "./draft.ts";
import { hintedBytes } from "./estimates.ts";
import type { PlanFacts } from "./facts.ts";
import type { FusionRule } from "./fusion.ts";
import { labelOf } from "./label.ts";
import type { PlanOutput, Tail, TaskGroupPlan } from "./physical.ts";
import { wantedColumns } from "./prune_columns.ts";

export class Lowering {
  readonly graph: Graph;
  readonly facts: PlanFacts;
  readonly groups: TaskGroupPlan[] = [];
  /** Columns that suffice, of the sources of which that is known. */
  readonly columns: ReadonlyMap<NodeId, readonly string[]>;
  readonly #rule: FusionRule;
  readonly #names: ReadonlyMap<NodeId, string>;
  readonly #hinted: ReadonlyMap<NodeId, number>;
  readonly #drafts = new Map<NodeId, Draft>();
  readonly #stored = new Map<NodeId, Stored>();
  /** Exchanges of stored datasets, so that a self-join moves its rows once. */
  readonly #exchanged = new Map<string, Stored>();

  constructor(graph: Graph, facts: PlanFacts, rule: FusionRule) {
    this.graph = graph;
    this.facts = facts;
    this.columns = wantedColumns(graph, rule);
    this.#rule = rule;
    this.#names = givenNames(graph);
    this.#hinted = hintedBytes(graph, rule.real);
  }

  /** Says what the rows of a node are; stores them where the chain is cut. */
  put(node: NodeId, draft: Draft): void {
    draft.bytes = this.#hinted.get(node) ?? draft.bytes;
    if (!this.#rule.isCut(node)) {
      this.#drafts.set(node, draft);
      return;
    }
    const stored = this.store(draft, this.#rule.isOutput(node));
    this.#stored.set(node, stored);
    if (stored.from.kind !== "group") return;
    const { group } = stored.from;
    const storage = this.#rule.storageOf(node);
    this.groups[group] = {
      ...this.groups[group],
      ...(this.#rule.isCheckpoint(node) ? { isCheckpoint: true } : {}),
      ...(storage === undefined ? {} : { storage }),
    };
  }

  /** A draft that steps may be added to: the input's own chain, or a new one that reads it shard by shard. */
  chain(input: NodeId): Draft {
    const node = this.#rule.real(input);
    const stored = this.#stored.get(node);
    if (stored !== undefined) return readShards(stored);
    const draft = this.#drafts.get(node);
    if (draft === undefined) throw new RangeError(`Cannot plan: node ${node} is read before it is made`);
    this.#drafts.delete(node);
    return draft;
  }

  /** Ends a draft as a dataset of one partition a shard; what is one already is not copied. */
  store(draft: Draft, needsGroup = false): Stored {
    const { reads, steps } = draft;
    const isCopy = reads !== undefined && steps.length === 0;
    if (isCopy && !(needsGroup && reads.from.kind === "dataset")) return { ...reads, bytes: draft.bytes };
    return {
      from: { kind: "group", group: this.close(draft, { kind: "store" }) },
      shards: draft.tasks,
      bytes: draft.bytes,
      placement: draft.placement,
      ordering: draft.ordering,
    };
  }

  /** Ends a draft with a tail that makes partitions; `shards` is their number as the next group sees them. */
  exchange(draft: Draft, tail: Tail, shards: number): Stored {
    const { reads, steps } = draft;
    const isCopy = reads !== undefined && steps.length === 0;
    // Who needs the rows by key makes no difference to how they lie.
    const how = tail.kind === "hash" ? { ...tail, node: undefined } : tail;
    const name = isCopy ? `${JSON.stringify(reads.from)} ${JSON.stringify(how)}` : undefined;
    const earlier = name === undefined ? undefined : this.#exchanged.get(name);
    if (earlier !== undefined) return earlier;
    const group = this.close(draft, tail);
    const stored: Stored = { from: { kind: "group", group }, shards, bytes: draft.bytes };
    if (name !== undefined) this.#exchanged.set(name, stored);
    return stored;
  }

  /** Ends a draft; returns the number of its group. */
  close(draft: Draft, tail: Tail): number {
    const id = this.groups.length;
    const label = labelOf(this.graph, this.#names, { ...draft, tail });
    this.groups.push(closeDraft(id, draft, tail, label));
    return id;
  }

  /** The group whose output is the stored dataset of a node, and how its rows lie. */
  outputOf(node: NodeId): Pick<PlanOutput, "group" | "placement"> {
    const { from, placement } = this.#stored.get(this.#rule.real(node)) ?? {};
    if (from?.kind === "group")
      return { group: from.group, ...(placement === undefined ? {} : { placement }) };
    throw new RangeError(`Cannot plan: node ${node} has no group of its own`);
  }
}
