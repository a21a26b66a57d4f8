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
  LucioleError,
  NotEnoughResourcesError,
  PlanError,
  PlanMismatchError,
  ProgramMissingError,
  ProtocolError,
  ShardLostError,
  TaskError,
} from "./core/errors.ts";
export { flow } from "./core/program/flow.ts";
export { openLocalJob } from "./net/driver/local.ts";
export { run } from "./net/driver/run.ts";
