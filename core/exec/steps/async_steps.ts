/**
 * The steps that wait for others: user generators (mapShards), child processes
 * (pipe) and files (lines).
 *
 * Each says what it does with a queue of rows; how it starts, ends and is aborted
 * is async_operator.ts's.
 */
import { LineSplitter } from "../../format/lines.ts";
import type { StepPlan } from "../../plan/physical.ts";
import type { Operator } from "../operator.ts";
import type { PipeProcess } from "../ports.ts";
import { nodeOf, type TaskScope } from "../task_scope.ts";
import { type AsyncOutput, createAsyncOperator } from "./async_operator.ts";
import type { Feed } from "./feed.ts";
import { FileLines } from "./file_lines.ts";
import { encodeLines } from "./line_encoder.ts";
import { type AnyIterator, iteratorOf, RowStream } from "./row_stream.ts";

type Step<Op> = StepPlan & { readonly op: Op };

/** After so many rows without a wait, the next step is asked whether it keeps up. */
const ROOM_ROWS = 1024;

/** Runs a user's generator over the rows of the shard. */
export function createMapShards(scope: TaskScope, step: Step<"mapShards">, next: Operator): Operator {
  const { spec } = nodeOf(scope.graph, step.node);
  if (spec.kind !== "mapShards") throw new RangeError(`Cannot run mapShards: the node is ${spec.kind}`);
  let iterator: AnyIterator | undefined;
  const run = async (feed: Feed, output: AsyncOutput) => {
    try {
      iterator = iteratorOf(spec.fn(new RowStream(feed), scope.contextOf(step)));
    } catch (error) {
      scope.fail(step.node, error);
    }
    for (let rows = 1; !output.isDone(); rows += 1) {
      let result: IteratorResult<unknown>;
      // Only this is user code: the next steps name their own errors.
      try {
        const advanced = iterator.next();
        result = "then" in advanced ? await advanced : advanced;
      } catch (error) {
        scope.fail(step.node, error);
      }
      if (result.done === true) return;
      output.row(result.value);
      const waiting = rows % ROOM_ROWS === 0 ? output.room() : undefined;
      if (waiting !== undefined) await waiting;
    }
    try {
      await iterator.return?.();
    } catch (error) {
      scope.fail(step.node, error);
    }
  };
  return createAsyncOperator(scope, { name: "mapShards", run, abort: () => abandon(iterator) }, next);
}

/** Ends a generator without waiting: it may be held up for ever, and its errors have no reader any more. */
async function abandon(iterator: AnyIterator | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // The step has ended with another error already.
  }
}

/** Writes rows as lines to a child process and reads its lines as rows. */
export function createPipe(scope: TaskScope, step: Step<"pipe">, next: Operator): Operator {
  const { spec } = nodeOf(scope.graph, step.node);
  if (spec.kind !== "pipe") throw new RangeError(`Cannot run pipe: the node is ${spec.kind}`);
  let child: PipeProcess | undefined;
  const run = async (feed: Feed, output: AsyncOutput) => {
    const process = scope.ports.spawnPipe(spec.command);
    child = process;
    let failure: { readonly error: unknown } | undefined;
    // Written and read at the same time: a child that fills one pipe before it reads the other blocks neither.
    writeLines(feed, process).catch((error: unknown) => {
      failure = { error };
      process.kill();
    });
    try {
      await pushOutput(process, output);
    } catch (error) {
      scope.fail(step.node, failure?.error ?? error);
    }
    if (failure !== undefined) scope.fail(step.node, failure.error);
  };
  return createAsyncOperator(scope, { name: "pipe", run, abort: () => child?.kill() }, next);
}

async function writeLines(feed: Feed, process: PipeProcess): Promise<void> {
  for (let rows = 0; ; ) {
    const taken = feed.take();
    const group = taken instanceof Promise ? await taken : taken;
    if (group === undefined) break;
    const bytes = encodeLines(group, rows);
    rows += group.length;
    try {
      await process.write(bytes);
    } catch {
      // A child that has read enough closes its input, which is no error: its exit code decides.
      feed.stop();
    }
  }
  process.end();
}

async function pushOutput(process: PipeProcess, output: AsyncOutput): Promise<void> {
  const splitter = new LineSplitter({ onBatch: (batch) => output.batch(batch) });
  for await (const piece of process.output()) {
    splitter.push(piece);
    splitter.flush();
    const waiting = output.room();
    if (waiting !== undefined) await waiting;
    if (output.isDone()) return process.kill();
  }
  splitter.endFile();
  splitter.flush();
}

/** Reads the files whose paths are the rows, line by line. */
export function createLines(scope: TaskScope, step: Step<"lines">, next: Operator): Operator {
  const { spec } = nodeOf(scope.graph, step.node);
  if (spec.kind !== "lines") throw new RangeError(`Cannot run lines: the node is ${spec.kind}`);
  const lines = new FileLines(scope, step.node, spec.withPath);
  return createAsyncOperator(scope, lines, next);
}
