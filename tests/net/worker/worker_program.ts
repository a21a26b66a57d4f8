/**
 * A program whose tasks do what their parameters say; in a worker it becomes the worker.
 */
import process from "node:process";
import type { TaskContext } from "../../../core/exec/context.ts";
import { flow } from "../../../core/program/flow.ts";
import { WORKER_ENV } from "../../../net/protocol.ts";
import { runWorker } from "../../../net/worker/main.ts";

export interface WorkParams {
  readonly what: keyof typeof BEHAVIOURS;
  readonly shards?: number;
  readonly rows?: number;
  readonly text?: string;
}

/** What the closure of a task does with a row. */
const BEHAVIOURS = {
  double: (n: number) => n * 2,
  hang: (n: number) => {
    console.log("hanging");
    for (;;) if (n < 0) return n;
  },
  fail: () => {
    throw new RangeError("row of no use");
  },
  uncaught: (n: number, context: TaskContext) => {
    void Promise.reject(new RangeError("nobody caught this"));
    context.log("rejected");
    return n;
  },
  exit: () => process.exit(7),
  print: (n: number, context: TaskContext) => {
    console.log(`printed ${n}`);
    console.error(`warned ${n}`);
    context.log(`logged ${n}`);
    context.count("rows");
    context.sendToDriver({ n });
    return n;
  },
  flood: (n: number) => {
    for (let i = 0; i < 20_000; i++) console.log(`flood ${i}`);
    return n;
  },
  slow: (n: number) => {
    const end = performance.now() + 1;
    while (performance.now() < end);
    return n;
  },
  text: (n: number) => n,
} as const;

export const work = flow("work", (f, { what, shards = 1, rows = 10, text = "" }: WorkParams) => {
  const act = BEHAVIOURS[what] as (n: number, context: TaskContext) => unknown;
  return f
    .generate(shards, async function* () {
      for (let n = 0; n < rows; n++) yield n;
    })
    .map((n, context) => (what === "text" ? text : act(n, context)));
});

if (process.env[WORKER_ENV.role] === "task") await runWorker();
