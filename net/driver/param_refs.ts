/**
 * Dataset handles and channels within a flow's parameters: they travel as DatasetRefs.
 */
import { isPlainObject } from "../../core/batch/shape.ts";
import { LucioleError } from "../../core/errors.ts";
import type { DatasetRef } from "../../core/program/dataset_ref.ts";
import type { AnyFlow } from "../../core/program/flow.ts";
import { encode } from "../cbor.ts";
import { Channel } from "./channel.ts";
import { DatasetHandle } from "./handle.ts";

/** Parameters whose handles can be waited for. */
export interface ParamRefs {
  /** Resolves when every dataset among the parameters is complete and every channel open. */
  complete(): Promise<void>;
  /** Ids of the datasets among the parameters. */
  datasets(): readonly string[];
  /** The parameters with a DatasetRef in the place of each handle and channel. */
  params(): unknown;
}

/** Finds the handles and channels in parameters: in arrays and plain objects, at any depth. */
export function collectRefs(params: unknown): ParamRefs {
  const found = new Set<DatasetHandle<unknown> | Channel<unknown>>();
  const replace = (
    value: unknown,
    use: (input: DatasetHandle<unknown> | Channel<unknown>) => unknown,
  ): unknown => {
    if (value instanceof DatasetHandle || value instanceof Channel) return use(value);
    if (Array.isArray(value)) return value.map((item) => replace(item, use));
    if (isPlainObject(value)) {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replace(item, use)]));
    }
    return value;
  };
  replace(params, (input) => found.add(input));
  return {
    complete: async () => {
      await Promise.all([...found].map((input) => input.complete()));
    },
    datasets: () => [...found].flatMap((input) => (input instanceof DatasetHandle ? [input.id] : [])),
    params: () => replace(params, (input): DatasetRef<unknown> => input.ref),
  };
}

/** @throws {LucioleError} If they are no plain values. */
export function encodeParams(flow: AnyFlow, refs: ParamRefs): Uint8Array {
  try {
    return encode(refs.params());
  } catch (cause) {
    if (!(cause instanceof LucioleError)) throw cause;
    const reason = cause.message.replace(/^Cannot encode a value: value/, "params");
    const message = `Cannot execute flow "${flow.name}": its parameters are no plain values: ${reason}`;
    throw new LucioleError(cause.code, message, { fields: cause.fields });
  }
}
