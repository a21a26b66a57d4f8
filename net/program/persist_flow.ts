/**
 * The flow behind `handle.persist(path)`: loaded by drivers and workers, so that both know it.
 */
import type { DatasetRef } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";

export const persistFlow = flow("luciole-persist", (f, p: { input: DatasetRef<unknown>; path: string }) =>
  f.from(p.input).writeBinary(p.path),
);
