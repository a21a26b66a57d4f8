/**
 * The states of a vertex while its metagraph runs, and which may follow which.
 *
 * What happens to vertices is decided in metagraph_run.ts. docs/states.md shows the table; a test compares both.
 */
import { checkMove, type Table } from "../schedule/transitions.ts";

type VertexPhase = "waiting" | "running" | "cancelling" | "done" | "failed" | "cancelled";

export const VERTEX_TRANSITIONS: Table<VertexPhase> = {
  waiting: ["running", "cancelled"],
  running: ["done", "failed", "cancelling"],
  // Whatever its execution tells in the end.
  cancelling: ["cancelled"],
  done: [],
  failed: [],
  cancelled: [],
};

export interface VertexState {
  readonly name: string;
  phase: VertexPhase;
}

/** @throws {InvariantError} When the phase may not follow, with what happened to the metagraph before. */
export function moveVertex(vertex: VertexState, to: VertexPhase, story: readonly string[]): void {
  const { phase: from, name } = vertex;
  checkMove(VERTEX_TRANSITIONS, { what: "vertex", name, from, to, story });
  vertex.phase = to;
}
