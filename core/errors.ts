/**
 * The errors that Luciole throws, and their form on the wire.
 *
 * A caller's mistake is a TypeError or RangeError; everything that somebody may
 * want to decide on is a LucioleError with a stable code. Messages say what was
 * being done, a colon, then the state with its values.
 */

export type ErrorFields = Readonly<Record<string, string | number | boolean | null>>;

export interface LucioleErrorOptions {
  readonly fields?: ErrorFields;
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** The base of every error that Luciole itself raises. */
export class LucioleError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly fields: ErrorFields;

  constructor(code: string, message: string, options: LucioleErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.fields = options.fields ?? {};
  }
}

/** A flow that cannot be planned: refused before anything runs. */
export class PlanError extends LucioleError {
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("plan", message, options);
  }
}

/** A worker rebuilt another graph than the driver's: the flow is not a pure function of its parameters. */
export class PlanMismatchError extends LucioleError {
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("plan-mismatch", message, options);
  }
}

/** User code, a source or a sink failed while a task ran. */
export class TaskError extends LucioleError {
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("task", message, options);
  }
}

/** A shard that was committed cannot be read any more. */
export class ShardLostError extends LucioleError {
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("shard-lost", message, { retryable: true, ...options });
  }
}

/** An agent does not hold the program that it was asked to run. */
export class ProgramMissingError extends LucioleError {
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("program-missing", message, { retryable: true, ...options });
  }
}

/** No worker can be had for what was asked. */
export class NotEnoughResourcesError extends LucioleError {
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("not-enough-resources", message, options);
  }
}

/** The other side sent what the protocol does not allow, or bytes that fail their checksum. */
export class ProtocolError extends LucioleError {
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("protocol", message, options);
  }
}

/** The caller may not do this. */
export class AuthError extends LucioleError {
  constructor(message: string, options: LucioleErrorOptions = {}) {
    super("auth", message, options);
  }
}

/** The work was ended on request. */
export class CancelledError extends LucioleError {
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
      message: String(error),
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
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}
