/**
 * The errors that Luciole throws, and their form on the wire.
 *
 * A caller's mistake is a TypeError or RangeError; everything that somebody may
 * want to decide on is a LucioleError with a stable code. Messages say what was
 * being done, a colon, then the state with its values.
 */

/**
 * Values that an error carries beside its message, by name.
 *
 * @example Reading the values of an error
 * ```ts
 * import { type ErrorFields, flow, LucioleError, run } from "luciole";
 * const lines = flow("no-fields", (f) => f.text("no-such-file.txt").count());
 * const fieldsOf = (error: unknown): ErrorFields => (error instanceof LucioleError ? error.fields : {});
 * await run(async (job) => {
 *   const error = await job.execute(lines).catch((caught) => caught);
 *   console.log(typeof fieldsOf(error)); // object
 * });
 * ```
 */
export type ErrorFields = Readonly<Record<string, string | number | boolean | null>>;

/**
 * What an error may carry beside its code and message.
 *
 * @example An error of one's own that says why
 * ```ts
 * import { LucioleError, type LucioleErrorOptions } from "luciole";
 * const options: LucioleErrorOptions = { retryable: true, fields: { status: 503 } };
 * const error = new LucioleError("price-service", "Cannot read prices: the service is busy", options);
 * console.log(error.code, error.retryable, error.fields.status); // price-service true 503
 * ```
 */
export interface LucioleErrorOptions {
  /** Values of the state that the message tells of. Default: none. */
  readonly fields?: ErrorFields;
  /** Whether the same may succeed when tried again. Default false, unless the class says otherwise. */
  readonly retryable?: boolean;
  /** What led to it. */
  readonly cause?: unknown;
}

/**
 * The base of every error that Luciole itself raises.
 *
 * @example Deciding by the code
 * ```ts
 * import { flow, LucioleError, run } from "luciole";
 * const lines = flow("missing", (f) => f.text("no-such-file.txt").count());
 * await run(async (job) => {
 *   const error = await job.execute(lines).catch((caught) => caught);
 *   console.log(error instanceof LucioleError, error.code); // true input-missing
 * });
 * ```
 */
export class LucioleError extends Error {
  /** What kind of error it is: stable, and the same when it comes from another process. */
  readonly code: string;
  /** Whether the same may succeed when tried again. */
  readonly retryable: boolean;
  /** Values of the state that the message tells of. */
  readonly fields: ErrorFields;

  /**
   * Makes an error.
   *
   * @param code A stable name of the condition, such as "input-missing".
   * @param message What was being done, a colon, then the state with its values.
   * @param options Fields, the cause, and whether trying again may help.
   */
  constructor(code: string, message: string, options: LucioleErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.fields = options.fields ?? {};
  }
}

/**
 * A flow that cannot be planned: refused before anything runs.
 *
 * @example Catching a flow that makes nothing
 * ```ts
 * import { flow, PlanError, run } from "luciole";
 * const empty = flow("empty", () => undefined);
 * await run(async (job) => {
 *   const error = await job.execute(empty).catch((caught) => caught);
 *   console.log(error instanceof PlanError, error.code); // true plan
 * });
 * ```
 */
export class PlanError extends LucioleError {
  /** Makes one, of code "plan". */
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("plan", message, options);
  }
}

/**
 * A worker rebuilt another graph than the driver's: the flow is not a pure function of its parameters.
 *
 * @example A flow that is no pure function of its parameters
 * ```ts
 * import { flow, PlanMismatchError, run } from "luciole";
 * let calls = 0;
 * const impure = flow("impure", (f) => (process.env.LUCIOLE_ROLE === "task" ? f.range(2).distinct() : f.range(2 + 0 * calls++)));
 * await run(async (job) => {
 *   const error = await job.execute(impure).catch((caught) => caught);
 *   console.log(error instanceof PlanMismatchError); // true
 * });
 * ```
 */
export class PlanMismatchError extends LucioleError {
  /** Makes one, of code "plan-mismatch". */
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("plan-mismatch", message, options);
  }
}

/**
 * User code, a source or a sink failed while a task ran.
 *
 * @example Finding what a closure threw
 * ```ts
 * import { flow, run, TaskError } from "luciole";
 * const strict = flow("strict", (f) =>
 *   f.values([1, -1]).map((n) => {
 *     if (n < 0) throw new RangeError(`negative: ${n}`);
 *     return n;
 *   }));
 * await run(async (job) => {
 *   const error = await job.execute(strict).catch((caught) => caught);
 *   console.log(error instanceof TaskError, error.cause.message); // true negative: -1
 * });
 * ```
 */
export class TaskError extends LucioleError {
  /** Makes one, of code "task". */
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("task", message, options);
  }
}

/** A shard that was committed cannot be read any more. */
export class ShardLostError extends LucioleError {
  /** Makes one, of code "shard-lost". */
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("shard-lost", message, { retryable: true, ...options });
  }
}

/** An agent does not hold the program that it was asked to run. */
export class ProgramMissingError extends LucioleError {
  /** Makes one, of code "program-missing". */
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("program-missing", message, { retryable: true, ...options });
  }
}

/** No worker can be had for what was asked. */
export class NotEnoughResourcesError extends LucioleError {
  /** Makes one, of code "not-enough-resources". */
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("not-enough-resources", message, options);
  }
}

/** The other side sent what the protocol does not allow, or bytes that fail their checksum. */
export class ProtocolError extends LucioleError {
  /** Makes one, of code "protocol". */
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("protocol", message, options);
  }
}

/** The caller may not do this. */
export class AuthError extends LucioleError {
  /** Makes one, of code "auth". */
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("auth", message, options);
  }
}

/**
 * The work was ended on request.
 *
 * @example Cancelling an execution
 * ```ts
 * import { CancelledError, flow, run } from "luciole";
 * const endless = flow("endless", (f) => f.generate(1, async function* () {
 *   for (;;) yield await new Promise<number>((resolve) => setTimeout(resolve, 5, 1));
 * }).count());
 * await run(async (job) => {
 *   const execution = job.start(endless);
 *   execution.cancel();
 *   const error = await execution.done.catch((caught) => caught);
 *   console.log(error instanceof CancelledError, error.code); // true cancelled
 * });
 * ```
 */
export class CancelledError extends LucioleError {
  /** Makes one, of code "cancelled". */
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("cancelled", message, options);
  }
}

/** An error as it travels: code, message, fields, cause chain and the remote stack. */
export interface WireError {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly fields: ErrorFields;
  readonly stack?: string;
  readonly cause?: WireError;
}

const CLASSES: Readonly<
  Record<string, new (message: string, options?: LucioleErrorOptions) => LucioleError>
> = {
  plan: PlanError,
  "plan-mismatch": PlanMismatchError,
  task: TaskError,
  "shard-lost": ShardLostError,
  "program-missing": ProgramMissingError,
  "not-enough-resources": NotEnoughResourcesError,
  protocol: ProtocolError,
  auth: AuthError,
  cancelled: CancelledError,
};

const MAX_CAUSES = 8;

/** Turns anything thrown into its wire form. */
export function toWireError(error: unknown, depth = 0): WireError {
  if (!(error instanceof Error)) {
    return {
      name: "Error",
      code: "unknown",
      message: describeThrown(error),
      retryable: false,
      fields: {},
    };
  }
  const own = error instanceof LucioleError ? error : undefined;
  const wire: WireError = {
    name: error.name,
    code: own?.code ?? "unknown",
    message: error.message,
    retryable: own?.retryable ?? false,
    fields: own?.fields ?? {},
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
  return error.cause === undefined || depth >= MAX_CAUSES
    ? wire
    : { ...wire, cause: toWireError(error.cause, depth + 1) };
}

/** Writes whatever was thrown: `RangeError: too far`, or a value that is no error at all. */
export function describeThrown(error: unknown): string {
  if (error instanceof LucioleError) return error.message;
  if (error instanceof Error) return error.message === "" ? error.name : `${error.name}: ${error.message}`;
  return `${typeof error === "string" ? JSON.stringify(error) : String(error)} was thrown`;
}

/** Makes an error of a wire form again; the remote stack is kept as its stack. */
export function fromWireError(wire: WireError): Error {
  const cause = wire.cause === undefined ? undefined : fromWireError(wire.cause);
  const options = { fields: wire.fields, retryable: wire.retryable, cause };
  const Known = CLASSES[wire.code];
  let error: Error;
  if (Known !== undefined) {
    error = new Known(wire.message, options);
  } else if (wire.code === "unknown") {
    error = new Error(wire.message, cause === undefined ? undefined : { cause });
    error.name = wire.name;
  } else {
    error = new LucioleError(wire.code, wire.message, options);
  }
  // Where this very function stands tells nothing of what was thrown.
  error.stack = wire.stack ?? `${wire.name}: ${wire.message}`;
  return error;
}
