/**
 * A program for the tests of checkpoints: loops over marked datasets, reads small results, and writes a sink. Its
 * tasks say that they ran.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Dataset } from "../../core/graph/dataset.ts";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import type { DatasetHandle } from "../../net/driver/handle.ts";
import type { Job } from "../../net/driver/job.ts";

type Row = [number, number];

/** What ran, one entry for each task: its step, turn and shard. */
export const ran: string[] = [];

const noted = <T>(rows: Dataset<T>, step: string): Dataset<T> =>
  rows.mapShards(async function* (some, ctx) {
    ran.push(`${step} ${ctx.shard}`);
    yield* some;
  });

const begin = flow("checkpoint-begin", (f, p: { rows: number }) =>
  noted(
    f.range(p.rows, { shards: 4 }).map((n): Row => [n % 7, n]),
    "begin",
  ),
);
const step = flow("checkpoint-step", (f, p: { rows: DatasetInput<Row>; turn: number; isMarked: boolean }) => {
  const moved = f.from(p.rows).map(([key, value]): Row => [(key + value) % 7, value + p.turn]);
  const next = noted(moved, `step${p.turn}`).reduceByKey((a, b) => a + b);
  const kept = p.isMarked ? next.checkpoint() : next;
  return { next: kept, sum: kept.values().sum() };
});
const write = flow("checkpoint-write", (f, p: { rows: DatasetInput<Row>; path: string }) => {
  const middle = noted(f.from(p.rows).sortByKey(), "sorted").checkpoint();
  return noted(middle, "written").writeText(p.path, (row) => JSON.stringify(row));
});

export interface Told {
  readonly sums: number[];
  readonly rows: Row[];
  readonly written: number;
}

export interface ProgramOptions {
  readonly path: string;
  readonly turns: number;
  /** Which turns mark their result. */
  readonly marks: (turn: number) => boolean;
  /** Called after each turn. */
  readonly onTurn?: (turn: number) => void | Promise<void>;
}

export async function checkpointProgram(job: Job, options: ProgramOptions): Promise<Told> {
  let rows: DatasetHandle<Row> = await job.execute(begin, { rows: 400 });
  const sums: number[] = [];
  for (let turn = 0; turn < options.turns; turn++) {
    const isMarked = options.marks(turn);
    const { next, sum } = await job.execute(step, { rows, turn, isMarked });
    rows.release();
    rows = next;
    sums.push(...(await sum.collect()));
    sum.release();
    await options.onTurn?.(turn);
  }
  const sink = await job.execute(write, { rows, path: options.path });
  const result = await sink.result();
  const found = (await rows.collect()).toSorted(([a], [b]) => a - b);
  return { sums, rows: found, written: result.rows };
}

/** A scratch directory that is deleted at the end. */
export class Scratch implements Disposable {
  readonly path = mkdtempSync(join(process.env.TMPDIR ?? tmpdir(), "luciole-checkpoint-"));

  at(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
