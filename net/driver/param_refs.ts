/**
 * Dataset handles and channels within a flow's parameters: they travel as DatasetRefs, and are kept until the execution
 * that reads them is known to the scheduler, whatever the program releases meanwhile.
 */
import { isPlainObject } from "../../core/batch/shape.ts";
import { LucioleError } from "../../core/errors.ts";
import { DatasetRef } from "../../core/program/dataset_ref.ts";
import type { AnyFlow } from "../../core/program/flow.ts";
import { encode } from "../cbor.ts";
import { DatasetHandle, type HeldInput, handleOf, holdDataset } from "./handle.ts";
import { Channel, holdChannel } from "./reading/channel.ts";

/** Parameters whose handles can be waited for. */
export interface ParamRefs {
  /** Resolves when every dataset among the parameters is complete and every channel open. */
  complete(): Promise<void>;
  /** Ids of the datasets among the parameters. */
  datasets(): readonly string[];
  /** The parameters with a DatasetRef in the place of each handle and channel. */
  params(): unknown;
  /** They need not be kept for this execution any more. */
  end(): void;
}

type Input = DatasetHandle<unknown> | Channel<unknown>;

/**
 * Finds the handles and channels in parameters: in arrays and plain objects, at any depth.
 *
 * @throws {TypeError} If one of them was released.
 */
export function collectRefs(params: unknown): ParamRefs {
  const found = new Set<Input>();
  replace(params, (input) => found.add(input));
  const held = new Map<Input, HeldInput>();
  const end = (): void => {
    for (const input of held.values()) input.end();
  };
  try {
    for (const input of found)
      held.set(input, input instanceof Channel ? holdChannel(input) : holdDataset(input));
  } catch (error) {
    end();
    throw error;
  }
  return {
    complete: async () => {
      await Promise.all([...held.values()].map((input) => input.complete()));
    },
    datasets: () => [...found].flatMap((input) => (input instanceof DatasetHandle ? [input.id] : [])),
    params: () => replace(params, (input) => held.get(input)?.ref()),
    end,
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

function replace(value: unknown, use: (input: Input) => unknown): unknown {
  if (value instanceof DatasetHandle || value instanceof Channel) return use(value);
  if (value instanceof DatasetRef) {
    const handle = handleOf(value);
    return handle === undefined ? value : use(handle);
  }
  if (Array.isArray(value)) return value.map((item) => replace(item, use));
  if (isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replace(item, use)]));
  }
  return value;
}
