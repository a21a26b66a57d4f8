/**
 * From what a flow's builder returned to what its execution gives: the same structure, with a
 * handle in the place of each dataset and sink.
 */
import type { Dataset, Sink } from "../../core/graph/dataset.ts";
import { DatasetNode, SinkNode } from "../../core/graph/dataset_node.ts";
import type { DatasetHandle, SinkHandle } from "./handle.ts";

/**
 * The handles of a flow's outputs, in the structure that its builder returned.
 *
 * @example A function that runs a flow and reads what it gives
 * ```ts
 * import { type Dataset, flow, type Outputs, run } from "luciole";
 * const parts = flow("named-parts", (f) => ({ small: f.range(2), large: f.range(9) }));
 * type Parts = Outputs<{ small: Dataset<number>; large: Dataset<number> }>;
 * const sizes = async ({ small, large }: Parts) => [await small.count(), await large.count()];
 * await run(async (job) => {
 *   console.log(await sizes(await job.execute(parts))); // [2, 9]
 * });
 * ```
 */
export type Outputs<R> =
  R extends Dataset<infer T>
    ? DatasetHandle<T>
    : R extends Sink
      ? SinkHandle
      : R extends readonly unknown[]
        ? { readonly [K in keyof R]: Outputs<R[K]> }
        : R extends object
          ? { readonly [K in keyof R]: Outputs<R[K]> }
          : undefined;

/**
 * Replaces each dataset and sink of a builder's result by its handle.
 *
 * @returns What Outputs says of that structure: only the signatures of execute and start can tell it.
 */
export function mapOutputs(
  result: unknown,
  toHandle: (node: number) => DatasetHandle<unknown>,
  toSink: (node: number) => SinkHandle,
): never {
  const map = (value: unknown): unknown => {
    if (value instanceof DatasetNode) return toHandle(value.node);
    if (value instanceof SinkNode) return toSink(value.node);
    if (Array.isArray(value)) return value.map(map);
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, map(item)]));
    }
    return undefined;
  };
  return map(result) as never;
}
