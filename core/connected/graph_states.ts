/**
 * What is known of an execution that asked for a set of workers, and which of its states may follow which.
 *
 * What happens to it is decided in graph_queue.ts. docs/states.md shows the table; a test compares both.
 */
import { checkMove, type Table } from "../schedule/transitions.ts";
import type { ChosenWorkers, PlaceRequest } from "./graph_places.ts";

type GraphPhase = "waiting" | "holding" | "refused" | "left";

export const GRAPH_TRANSITIONS: Table<GraphPhase> = {
  waiting: ["holding", "refused", "left"],
  // To itself: its workers are gone, and it has others.
  holding: ["holding", "refused", "left"],
  refused: [],
  left: [],
};

/** What an execution asks for: these workers, or a number of them. */
export interface AskedGraph {
  readonly execution: string;
  readonly flow: string;
  readonly wants: PlaceRequest | { readonly workers: readonly number[] };
  /** It may wait for room. */
  readonly mayQueue: boolean;
  /** A worker program: it cannot go on with fewer workers than it had. */
  readonly isGang?: boolean;
}

export interface GraphState {
  readonly asked: AskedGraph;
  readonly askedAt: number;
  /** Since when nothing that ends by itself would give it room. */
  hopelessSince: number | undefined;
  phase: GraphPhase;
  held: ChosenWorkers | undefined;
}

/** @throws {InvariantError} When the phase may not follow. */
export function moveGraph(graph: GraphState, to: GraphPhase): void {
  const { phase: from, asked, askedAt } = graph;
  const story = [`${askedAt} ${asked.flow} asked`];
  checkMove(GRAPH_TRANSITIONS, { what: "graph", name: asked.execution, from, to, story });
  graph.phase = to;
}
