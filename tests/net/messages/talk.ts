/** Flows that talk with the driver, for tests on a cluster in one process. */
import type { FlowBuilder } from "../../../core/graph/builder.ts";
import type { Dataset } from "../../../core/graph/dataset.ts";

/**
 * One task on each worker: it says "ready", and gives what it heard until "end".
 * All run at once, so that no worker gets two of them.
 */
export function listenAll(f: FlowBuilder, workers: number): Dataset<[worker: number, heard: unknown[]]> {
  return f.generate(workers, async function* (_, ctx) {
    const heard: unknown[] = [];
    const ended = new Promise<void>((resolve) => {
      ctx.on("driverMessage", (message) => {
        if (message === "end") resolve();
        else heard.push(message);
      });
    });
    ctx.sendToDriver("ready");
    await ended;
    yield [ctx.worker, heard] as [number, unknown[]];
  });
}

/** Resolves when so many messages fit a condition. */
export function counted(count: number): { readonly done: Promise<void>; readonly tick: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = count;
  return {
    done: promise,
    tick: () => {
      left--;
      if (left === 0) resolve();
    },
  };
}
