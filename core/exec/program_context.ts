/**
 * The context of a worker program: the task's own, and its member's collective operations.
 *
 * It checks what the user gave and names operations for messages; how they are done is in core/collectives.
 */
import { barrier } from "../collectives/barrier.ts";
import { type CombineInto, combineBy, combineInto, isNamed, isVector } from "../collectives/combine.ts";
import { allGather, allToAll } from "../collectives/exchanges.ts";
import type { Member } from "../collectives/member.ts";
import { allReduce, reduce } from "../collectives/reductions.ts";
import type { Place, Rounds } from "../collectives/round.ts";
import { broadcast, gather } from "../collectives/trees.ts";
import { allReduceVector } from "../collectives/vector_reduction.ts";
import type { WorkerInfo } from "../job/worker_info.ts";
import { type DatasetInput, DatasetRef } from "../program/dataset_ref.ts";
import type { TaskContext } from "./context.ts";
import type { LocalRows, Reduction, WorkerContext } from "./worker_context.ts";

/** Vectors of so many bytes are worth more rounds. */
const LONG_BYTES = 128 * 1024;

export interface ProgramContextOptions {
  readonly task: TaskContext;
  readonly member: Member;
  readonly rank: number;
  readonly workers: readonly WorkerInfo[];
  readonly epoch: number;
  /** Opens what this worker reads of a dataset; undefined when its handle was not in the parameters. */
  readonly open: (dataset: string) => LocalRows<unknown> | undefined;
}

export class ProgramContext implements WorkerContext {
  readonly rank: number;
  readonly size: number;
  readonly workers: readonly WorkerInfo[];
  readonly epoch: number;
  readonly sendToDriver: TaskContext["sendToDriver"];
  readonly on: TaskContext["on"];
  readonly #task: TaskContext;
  readonly #member: Member;
  readonly #open: ProgramContextOptions["open"];

  constructor({ task, member, rank, workers, epoch, open }: ProgramContextOptions) {
    this.rank = rank;
    this.size = workers.length;
    this.workers = workers;
    this.epoch = epoch;
    this.sendToDriver = task.sendToDriver.bind(task);
    this.on = task.on.bind(task);
    this.#task = task;
    this.#member = member;
    this.#open = open;
  }

  get shard(): number {
    return this.#task.shard;
  }

  get shards(): number {
    return this.#task.shards;
  }

  get worker(): number {
    return this.#task.worker;
  }

  get signal(): AbortSignal {
    return this.#task.signal;
  }

  log(text: string): void {
    this.#task.log(text);
  }

  count(name: string, by?: number): void {
    this.#task.count(name, by);
  }

  barrier(): Promise<void> {
    return this.#member.collective("barrier", () => barrier(this));
  }

  broadcast<T>(value: T | undefined, root = 0): Promise<T> {
    this.#checkRoot("broadcast", root);
    return this.#collective<T>(`broadcast of rank ${root}`, () => broadcast(this, value, root));
  }

  gather<T>(value: T, root = 0): Promise<readonly T[] | undefined> {
    this.#checkRoot("gather", root);
    return this.#collective(`gather to rank ${root}`, () => gather(this, value, root));
  }

  allGather<T>(value: T): Promise<readonly T[]> {
    return this.#collective("allGather", () => allGather(this, value));
  }

  reduce<T>(value: T, by: Reduction<T>, root = 0): Promise<T | undefined> {
    this.#checkRoot("reduce", root);
    const combine = combineBy(by);
    return this.#collective(`reduce ${nameOf(by, value)} to rank ${root}`, () =>
      reduce(this, value, combine, root),
    );
  }

  allReduce<T>(value: T, by: Reduction<T>): Promise<T> {
    const combine = combineBy(by);
    const label = `allReduce ${nameOf(by, value)}`;
    const doubles = isNamed(by) ? longDoubles(value) : undefined;
    if (isNamed(by) && doubles !== undefined) {
      return this.#collective<T>(`${label} of numbers`, () =>
        allReduceDoubles(this, doubles, combineInto(by)),
      );
    }
    if (isNamed(by) && isVector(value) && value.byteLength >= LONG_BYTES) {
      return this.#collective<T>(label, () => allReduceVector(this, value, combineInto(by)));
    }
    return this.#collective(label, () => allReduce(this, value, combine));
  }

  allToAll<T>(values: readonly T[]): Promise<readonly T[]> {
    if (!Array.isArray(values) || values.length !== this.size) {
      const seen = Array.isArray(values) ? `an array of ${values.length}` : typeof values;
      throw new TypeError(`Cannot allToAll: values must be an array of ${this.size}, got ${seen}`);
    }
    return this.#collective("allToAll", () => allToAll(this, values));
  }

  send(to: number, value: unknown): Promise<void> {
    return this.#member.send(to, value);
  }

  receive<T = unknown>(from: number): Promise<T> {
    return this.#member.receive(from) as Promise<T>;
  }

  read<T>(input: DatasetInput<T>): LocalRows<T> {
    const ref = input?.ref;
    if (!(ref instanceof DatasetRef)) {
      throw new TypeError("Cannot read: input must be a dataset handle of the parameters");
    }
    const rows = this.#open(ref.id);
    if (rows !== undefined) return rows as LocalRows<T>;
    throw new TypeError(
      `Cannot read dataset ${ref.id}: its handle is not among the parameters of the program`,
    );
  }

  /** Values come back as what the peers gave: of the type that all ranks call the operation with. */
  #collective<R>(label: string, rounds: Parameters<Member["collective"]>[1]): Promise<R> {
    return this.#member.collective(label, rounds) as Promise<R>;
  }

  #checkRoot(operation: string, root: unknown): void {
    if (Number.isSafeInteger(root) && Number(root) >= 0 && Number(root) < this.size) return;
    throw new RangeError(
      `Cannot ${operation}: root must be a rank of the ${this.size} from 0, got ${String(root)}`,
    );
  }
}

/** As other ranks have to call it, too: `sum of Float64Array(1000)`. */
function nameOf(by: unknown, value: unknown): string {
  if (typeof by !== "string") return "by a function";
  return isVector(value) || Array.isArray(value) ? `${by} of ${value.constructor.name}(${value.length})` : by;
}

/** Of a long array of numbers and nothing else: a double holds each as it is. */
function longDoubles(value: unknown): Float64Array | undefined {
  const isLong = Array.isArray(value) && value.length * Float64Array.BYTES_PER_ELEMENT >= LONG_BYTES;
  if (!isLong || Object.getPrototypeOf(value) !== Array.prototype) return undefined;
  const doubles = new Float64Array(value.length);
  for (let i = 0; i < doubles.length; i += 1) {
    if (typeof value[i] !== "number") return undefined;
    doubles[i] = value[i];
  }
  return doubles;
}

function* allReduceDoubles(place: Place, doubles: Float64Array, combine: CombineInto): Rounds<number[]> {
  return Array.from((yield* allReduceVector(place, doubles, combine)) as Float64Array);
}
