/**
 * What users hold while they build a flow: datasets, broadcasts, sinks.
 *
 * Types only. The operations of a dataset are declared, and defined, by family in the
 * `dataset_*.ts` beside this file; dataset_node.ts has the classes behind the types.
 */
import type { PlanOperations } from "../plan/dataset_plan.ts";
import type { JoinOperations } from "./dataset_joins.ts";
import type { KeyOperations } from "./dataset_keys.ts";
import type { LineOperations } from "./dataset_lines.ts";
import type { MarkOperations } from "./dataset_marks.ts";
import type { OrderOperations } from "./dataset_order.ts";
import type { PairOperations } from "./dataset_pairs.ts";
import type { PlacementOperations } from "./dataset_placement.ts";
import type { RowOperations } from "./dataset_rows.ts";
import type { SinkOperations } from "./dataset_sinks.ts";
import type { WholeOperations } from "./dataset_whole.ts";

/**
 * An immutable, partitioned collection of rows of type T, described but not yet computed.
 *
 * Every operation gives a new dataset and leaves this one as it is. A row is a plain value: null,
 * undefined, a boolean, number, bigint, string, Date or Uint8Array, or arrays, plain objects, Maps
 * and Sets of these.
 *
 * @example Naming a dataset's type in a function of one's own
 * ```ts
 * import { type Dataset, flow, run } from "luciole";
 * const longest = (words: Dataset<string>): Dataset<string> => words.top(1, (word) => word.length);
 * const found = flow("longest", (f) => longest(f.values(["to", "been", "or"])));
 * await run(async (job) => {
 *   console.log(await (await job.execute(found)).collect()); // ["been"]
 * });
 * ```
 */
export interface Dataset<T>
  extends RowOperations<T>,
    PairOperations<T>,
    LineOperations,
    PlacementOperations<T>,
    KeyOperations,
    JoinOperations,
    WholeOperations<T>,
    OrderOperations<T>,
    MarkOperations<T>,
    SinkOperations<T>,
    PlanOperations {
  /** The type of the rows; for the compiler, there is no such property. */
  readonly "~row": T;
}

/**
 * A small dataset that every task reads whole, given to closures as `{ with: broadcast }`.
 *
 * @example Looking rows up in a small table
 * ```ts
 * import { type Broadcast, type Dataset, flow, run } from "luciole";
 * const named = (ids: Dataset<number>, names: Broadcast<string>) =>
 *   ids.map((id, ctx) => ctx.side[id], { with: names });
 * const looked = flow("looked-up", (f) => named(f.values([1, 0]), f.values(["Ann", "Bo"]).broadcast()));
 * await run(async (job) => {
 *   console.log(await (await job.execute(looked)).collect()); // ["Bo", "Ann"]
 * });
 * ```
 */
export interface Broadcast<T> {
  /** The type of the rows; for the compiler, there is no such property. */
  readonly "~broadcast": T;
}

/**
 * An output that leaves the engine: files, or a closure that consumes the rows.
 *
 * @example Returning a sink, to learn what was written
 * ```ts
 * import { type Dataset, flow, run, type Sink } from "luciole";
 * const write = (rows: Dataset<number>, path: string): Sink => rows.writeText(path, String, { overwrite: true });
 * const numbers = flow("numbers", (f, p: { out: string }) => write(f.range(3), p.out));
 * await run(async (job) => {
 *   const sink = await job.execute(numbers, { out: "numbers-out" });
 *   console.log((await sink.result()).rows); // 3
 * });
 * ```
 */
export interface Sink {
  /** Tells a sink from other values; for the compiler, there is no such property. */
  readonly "~sink": true;
}
