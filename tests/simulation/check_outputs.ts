/**
 * Compares what a simulated execution left with what it should have: its sinks, and as much of its datasets as can be
 * read when it ends.
 */
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import type { JobState } from "../../core/schedule/job_state.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import { datasetPieces } from "../../core/schedule/shards/dataset_reads.ts";
import { add, type Content, NO_ROWS, type Rows, rowsOf, type Shards } from "./rows.ts";
import type { World } from "./world.ts";

/** Where a dataset is known. */
export interface CheckedDataset {
  readonly job: string;
  readonly state: JobState;
  readonly plan: PhysicalPlan;
  readonly world: World;
}

export function checkSink(
  { files }: World,
  place: string,
  expected: Shards,
  outcome: ExecutionOutcome,
): void {
  const output = files.outputs.get(place);
  if (outcome.kind !== "done") {
    files.discard(place);
    if (output !== undefined && outcome.kind === "failed")
      throw new Error(`${place} is there, and its execution failed`);
    return;
  }
  const rows = expected.map((content) => content[0]).reduce(add, NO_ROWS);
  if (output?.times !== 1 || output.files.size !== expected.length || !isSame(files.read(place), rows)) {
    throw new Error(`${place} is not what it should be: ${JSON.stringify(files.read(place))}`);
  }
}

/** All shards that can be read now. */
export function checkDataset(
  { job, state, plan, world }: CheckedDataset,
  dataset: string,
  expected: Shards,
): void {
  if (!state.outputs.has(dataset)) return;
  const [id, node] = dataset.split(".");
  // Lost for good while its sinks were published.
  if (state.executions.get(id)?.status.kind === "broken") return;
  const group = plan.outputs.find((output) => output.node === Number(node))?.group ?? 0;
  const found = state.executions.get(id)?.groups[group];
  const sums = new Map<number, Rows | undefined>();
  for (const { shard: part, piece } of datasetPieces(state, dataset)) {
    const shard = found?.tasks[part]?.shard ?? part;
    let content: Content | undefined;
    world.agents
      .get(piece.agent)
      ?.jobs.get(job)
      ?.find(piece.attempt, (there) => {
        content = there;
      });
    const before = sums.has(shard) ? sums.get(shard) : NO_ROWS;
    sums.set(shard, before && content && add(before, rowsOf(content, -1)));
  }
  if (sums.size < expected.length && found?.present === found?.tasks.length)
    throw new Error(`${dataset} has ${sums.size} shards of ${expected.length}`);
  for (const [shard, rows] of sums) {
    // Its agent may be gone, and nobody has noticed.
    if (
      rows !== undefined &&
      found?.present === found?.tasks.length &&
      !isSame(rows, rowsOf(expected[shard], -1))
    )
      throw new Error(`shard ${shard} of ${dataset} is not what it should be`);
  }
}

function isSame(a: Rows | undefined, b: Rows): boolean {
  return a?.rows === b.rows && a.sum === b.sum;
}
