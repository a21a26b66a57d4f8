/**
 * Luciole: a distributed dataflow engine for TypeScript.
 *
 * A program describes flows (`flow`), runs them (`run`), and reads what comes out through
 * handles. The same program uses all cores of one machine.
 *
 * @example
 * ```ts
 * import { flow, run } from "luciole";
 *
 * const count = flow("count", (f) =>
 *   f.values(["a b", "b"]).flatMap((line) => line.split(" ")).countByValue());
 *
 * await run(async (job) => {
 *   const counts = await job.execute(count);
 *   console.log(await counts.collect());
 * });
 * ```
 *
 * @module
 */
export {
  AuthError,
  CancelledError,
  type ErrorFields,
  LucioleError,
  type LucioleErrorOptions,
  NotEnoughResourcesError,
  PlanError,
  PlanMismatchError,
  ProgramMissingError,
  ProtocolError,
  ShardLostError,
  TaskError,
} from "./core/errors.ts";
export type { PipeCommand, SideContext, TaskContext } from "./core/exec/context.ts";
export type { LocalRows, Reduction, WorkerContext } from "./core/exec/worker_context.ts";
export type { FlowBuilder, ShardsOptions } from "./core/graph/builder.ts";
export type { CsvRow, CsvType, CsvTypes, CsvValues } from "./core/graph/csv_types.ts";
export type { Broadcast, Dataset, Sink } from "./core/graph/dataset.ts";
export type { JoinOperations, JoinOptions } from "./core/graph/dataset_joins.ts";
export type { KeyOperations } from "./core/graph/dataset_keys.ts";
export type { LineOperations, LinesOptions } from "./core/graph/dataset_lines.ts";
export type { Hint, MarkOperations } from "./core/graph/dataset_marks.ts";
export type {
  LocalSortOptions,
  OrderOperations,
  SortOptions,
  TopOptions,
} from "./core/graph/dataset_order.ts";
export type { PairOperations } from "./core/graph/dataset_pairs.ts";
export type { PlacementOperations } from "./core/graph/dataset_placement.ts";
export type { RowOperations, SideOptions } from "./core/graph/dataset_rows.ts";
export type { SinkOperations, WriteCsvOptions, WriteOptions } from "./core/graph/dataset_sinks.ts";
export type { WholeOperations } from "./core/graph/dataset_whole.ts";
export type { CallSite, CsvOptions, JsonlOptions, SplitOptions } from "./core/graph/node.ts";
export type {
  Aggregation,
  Compare,
  FieldOf,
  FieldType,
  GenerateFunction,
  Reducer,
  Row,
  RowFunction,
  ShardFunction,
  SideFunction,
  Stats,
} from "./core/graph/row_types.ts";
export type { AdaptiveOptions } from "./core/job/adaptive.ts";
export type { WorkerInfo } from "./core/job/worker_info.ts";
export type { ExplainOptions, PlanOperations } from "./core/plan/dataset_plan.ts";
export type { PlotFormat, PlotOptions } from "./core/plan/plot.ts";
export type { DatasetInput, DatasetRef } from "./core/program/dataset_ref.ts";
export { type Flow, type FlowOutput, flow } from "./core/program/flow.ts";
export { type WorkerOptions, worker } from "./core/program/worker.ts";
export type { GroupProgress } from "./core/schedule/job_state.ts";
export type { ExecuteOptions } from "./net/driver/execute_options.ts";
export type { Execution, ExecutionProgress, ExecutionTotals } from "./net/driver/execution_types.ts";
export type { SinkResult } from "./net/driver/executor/sink_results.ts";
export type {
  GraphScheduler,
  GraphToSchedule,
  GraphWorker,
  WorkerResources,
} from "./net/driver/graph_scheduler.ts";
export type { DatasetHandle, SinkHandle } from "./net/driver/handle.ts";
export type { Job } from "./net/driver/job.ts";
export type { Messenger } from "./net/driver/members/messenger.ts";
export type { Scaler } from "./net/driver/members/scaler.ts";
export type {
  InputHandles,
  Metagraph,
  Vertex,
  VertexNeeds,
  VertexParams,
  Vertices,
} from "./net/driver/metagraph_types.ts";
export { type JobOptions, openJob } from "./net/driver/open_job.ts";
export type { Outputs } from "./net/driver/outputs.ts";
export type { Channel } from "./net/driver/reading/channel.ts";
export { type Driver, run } from "./net/driver/run.ts";
