/**
 * Checks the options of an execution once, and compiles them: what they say of workers, memory and attempts.
 */
import { checkOptions, show } from "../../core/graph/arguments.ts";
import { parseSize } from "../../core/program/size.ts";
import type { ExecuteOptions } from "./execute_options.ts";
import type { GraphScheduler } from "./graph_scheduler.ts";

const OPTIONS: readonly (keyof ExecuteOptions)[] = [
  "signal",
  "workers",
  "resources",
  "schedule",
  "retries",
  "queue",
];

/** Options that were checked. */
export interface ExecuteLimits {
  /** What it asks for, with `schedule`; undefined: all workers. */
  readonly wants: number | readonly number[] | undefined;
  /** Processors and memory of each worker; 1 and 0 are what every worker has. */
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly schedule: GraphScheduler | undefined;
  readonly maxAttempts: number | undefined;
  readonly mayQueue: boolean;
  /** It runs on some of the workers. */
  readonly isBound: boolean;
}

/**
 * @param flow Its name, for messages.
 * @param others What else stands among them, of which it knows nothing.
 * @throws {RangeError} If a number is out of range.
 * @throws {TypeError} If an option is of another type.
 */
export function compileLimits(
  flow: string,
  options: ExecuteOptions,
  others: readonly string[] = [],
): ExecuteLimits {
  checkOptions(`flow "${flow}"`, options, [...OPTIONS, ...(others as readonly never[])]);
  const { workers, resources = {}, schedule, retries, queue = true } = options;
  const refuse = (what: string, value: unknown): RangeError =>
    new RangeError(`Cannot execute flow "${flow}": ${what}, got ${show(value)}`);
  const mustBe = (what: string, value: unknown): TypeError =>
    new TypeError(`Cannot execute flow "${flow}": ${what}, got ${show(value)}`);
  if (workers !== undefined && typeof workers !== "number" && typeof workers !== "object")
    throw mustBe("workers must be a number of workers or a list of theirs", workers);
  if (typeof queue !== "boolean") throw mustBe("queue must be true or false", queue);
  if (typeof resources !== "object" || resources === null)
    throw mustBe("resources must be an object such as { cpu: 2 }", resources);
  checkOptions(`the resources of flow "${flow}"`, resources, ["cpu", "memory"]);
  if (typeof workers === "number" && !(Number.isSafeInteger(workers) && workers >= 1))
    throw refuse("workers must be an integer of at least 1", workers);
  if (typeof workers === "object") checkNumbers(flow, "workers", workers);
  const { cpu = 1, memory = 0 } = resources;
  if (!(typeof cpu === "number" && cpu > 0 && Number.isFinite(cpu)))
    throw refuse("resources.cpu must be a number above 0", cpu);
  const memoryBytes = typeof memory === "string" ? parseSize(memory) : memory;
  if (memoryBytes === undefined || !(memoryBytes >= 0 && Number.isFinite(memoryBytes)))
    throw refuse('resources.memory must be bytes or a size such as "2GiB"', memory);
  if (retries !== undefined && !(Number.isSafeInteger(retries) && retries >= 0))
    throw refuse("retries must be an integer of at least 0", retries);
  if (schedule !== undefined && typeof schedule !== "function")
    throw mustBe("schedule must be a function", schedule);
  const isBound = workers !== undefined || schedule !== undefined || options.resources !== undefined;
  return {
    wants: workers,
    cpu,
    memoryBytes,
    schedule,
    maxAttempts: retries === undefined ? undefined : retries + 1,
    mayQueue: queue,
    isBound,
  };
}

/** @param what Where the numbers come from. @throws {RangeError} If they name no set of workers. */
export function checkNumbers(flow: string, what: string, numbers: readonly number[]): void {
  const fault = faultOf(numbers);
  if (fault === undefined) return;
  throw new RangeError(
    `Cannot execute flow "${flow}": ${what} must be different numbers of workers, got ${fault}`,
  );
}

function faultOf(numbers: readonly number[]): string | undefined {
  if (!Array.isArray(numbers)) return show(numbers);
  if (numbers.length === 0) return "none";
  const wrong = numbers.find((number) => !(Number.isSafeInteger(number) && number >= 0));
  if (wrong !== undefined) return show(wrong);
  const twice = numbers.find((number, i) => numbers.indexOf(number) !== i);
  return twice === undefined ? undefined : `${twice} twice`;
}
