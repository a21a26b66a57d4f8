/**
 * How two values become one in a reduction: sum, min and max of numbers and of vectors, or a function of the user.
 *
 * The left value is that of the lower ranks. Nothing that was given is changed.
 */

/** Typed arrays, which are combined element by element. */
export type Vector =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | BigInt64Array
  | BigUint64Array;

export type Combine<T> = (left: T, right: T) => T;

/** The combinations that have names: of numbers, bigints, typed arrays, and arrays of these, element by element. */
type NamedReduction = "sum" | "min" | "max";

type Scalar = number | bigint;

const SCALARS: Readonly<Record<NamedReduction, (left: never, right: never) => Scalar>> = {
  sum: (left: number, right: number) => left + right,
  // Of numbers, NaN wins, and -0 is below 0; of bigints there is neither.
  min: (left: Scalar, right: Scalar) =>
    typeof left === "bigint" ? pick(left < right, left, right) : Math.min(left, Number(right)),
  max: (left: Scalar, right: Scalar) =>
    typeof left === "bigint" ? pick(left > right, left, right) : Math.max(left, Number(right)),
};

/** The same of two vectors, element by element, into a third one, which may be one of them. */
export type CombineInto = (target: Vector, left: Vector, right: Vector) => void;

export function isNamed(reduction: unknown): reduction is NamedReduction {
  return reduction === "sum" || reduction === "min" || reduction === "max";
}

/** @throws {TypeError} If it is neither a name nor a function. */
export function combineBy(reduction: unknown): Combine<unknown> {
  if (typeof reduction === "function") return reduction as Combine<unknown>;
  if (isNamed(reduction)) {
    const scalar = SCALARS[reduction] as (left: unknown, right: unknown) => Scalar;
    return (left, right) => combineEach(left, right, { scalar, into: combineInto(reduction) });
  }
  const seen = typeof reduction === "string" ? `"${reduction}"` : typeof reduction;
  throw new TypeError(`Cannot reduce: by must be "sum", "min", "max" or a function, got ${seen}`);
}

export function combineInto(reduction: NamedReduction): CombineInto {
  const scalar = SCALARS[reduction] as (left: unknown, right: unknown) => Scalar;
  return (target, left, right) => {
    if (left instanceof Float64Array && right instanceof Float64Array && target instanceof Float64Array) {
      combineDoubles(target, left, right, reduction);
    } else for (let i = 0; i < target.length; i += 1) target[i] = scalar(left[i], right[i]) as never;
  };
}

/** In loops that are compiled for it. */
function combineDoubles(
  target: Float64Array,
  left: Float64Array,
  right: Float64Array,
  reduction: NamedReduction,
): void {
  const { length } = target;
  if (reduction === "sum") for (let i = 0; i < length; i += 1) target[i] = left[i] + right[i];
  else if (reduction === "min") for (let i = 0; i < length; i += 1) target[i] = Math.min(left[i], right[i]);
  else for (let i = 0; i < length; i += 1) target[i] = Math.max(left[i], right[i]);
}

export function isVector(value: unknown): value is Vector {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

interface Named {
  readonly scalar: (left: unknown, right: unknown) => Scalar;
  readonly into: CombineInto;
}

function combineEach(left: unknown, right: unknown, named: Named): unknown {
  if (typeof left === typeof right && (typeof left === "number" || typeof left === "bigint")) {
    return named.scalar(left, right);
  }
  if (isVector(left) && isVector(right) && left.constructor === right.constructor) {
    checkLengths(left.length, right.length);
    const made = new (left.constructor as new (length: number) => Vector)(left.length);
    named.into(made, left, right);
    return made;
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    checkLengths(left.length, right.length);
    return left.map((item, i) => combineEach(item, right[i], named));
  }
  throw new TypeError(
    `Cannot reduce ${describe(left)} and ${describe(right)}: ` +
      "numbers, bigints, typed arrays of one type, and arrays of these can be; give a function for other values",
  );
}

function checkLengths(left: number, right: number): void {
  if (left !== right) throw new RangeError(`Cannot reduce arrays of ${left} and of ${right} elements`);
}

function pick(isLeft: boolean, left: Scalar, right: Scalar): Scalar {
  return isLeft ? left : right;
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null
    ? `an instance of ${value.constructor?.name}`
    : typeof value;
}
