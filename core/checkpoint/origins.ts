/**
 * Parameters without what is different each time that a program runs: the datasets among them are named for where
 * they come from, by the numbers of executions in the log.
 */
import { isPlainObject } from "../batch/shape.ts";
import { DatasetRef } from "../program/dataset_ref.ts";

/** Replaces the ids of references, in arrays and plain objects, at any depth. */
export function withOrigins(params: unknown, originOf: (dataset: string) => string): unknown {
  if (params instanceof DatasetRef) {
    const { id, shards, rows, bytes } = params;
    return new DatasetRef({ id: originOf(id), shards, rows, bytes });
  }
  if (Array.isArray(params)) return params.map((item) => withOrigins(item, originOf));
  if (!isPlainObject(params)) return params;
  return Object.fromEntries(
    Object.entries(params).map(([name, item]) => [name, withOrigins(item, originOf)]),
  );
}
