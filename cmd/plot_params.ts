/**
 * The parameters of a flow that is drawn, from JSON.
 *
 * `{"$dataset": {"shards": 2, "rows": 1000}}` stands for a dataset handle, which no JSON can
 * hold: drawing needs the sizes only.
 */
import { LucioleError } from "../core/errors.ts";
import { checkOptionalWhole, checkOptions } from "../core/graph/arguments.ts";
import { DatasetRef } from "../core/program/dataset_ref.ts";

/** @throws {LucioleError} code "usage" when the text is not JSON or describes a dataset wrongly. */
export function parsePlotParams(text: string): unknown {
  let datasets = 0;
  try {
    return JSON.parse(text, (_, value: unknown) => {
      const keys = value !== null && typeof value === "object" ? Object.keys(value) : [];
      if (keys.length !== 1 || keys[0] !== "$dataset") return value;
      return datasetOf(`input-${datasets++}`, (value as { $dataset: never }).$dataset);
    });
  } catch (error) {
    const { message } = error as Error;
    const what = error instanceof SyntaxError ? `it is not JSON: ${message}` : message;
    throw new LucioleError("usage", `Cannot read --params: ${what}`);
  }
}

interface Sizes {
  readonly shards?: number;
  readonly rows?: number;
}

function datasetOf(id: string, sizes: Sizes): DatasetRef {
  const { shards, rows } = checkOptions<Sizes>("$dataset", sizes, ["shards", "rows"]);
  return new DatasetRef({
    id,
    shards: checkOptionalWhole("$dataset", "shards", shards, 1) ?? 1,
    rows: checkOptionalWhole("$dataset", "rows", rows, 0) ?? Number.POSITIVE_INFINITY,
    bytes: Number.POSITIVE_INFINITY,
  });
}
