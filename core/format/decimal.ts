/**
 * Decimal numbers from their bytes.
 *
 * Those of more digits than a double holds, as most are that programs print of a double, are computed with twice the
 * precision (Dekker, "A floating-point technique for extending the available precision", 1971); where rounding
 * could go either way the text decides. Knows nothing of records or columns.
 */
/** The powers of ten that are exact in a double. */
export const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Digits of the parts that are summed as 32-bit integers; those of the first two are exact together in a double. */
const FIRST = 8;
const FIRST_TWO = 15;
const ALL = 22;
/** Cuts a double in halves of 26 bits. */
const SPLIT = 2 ** 27 + 1;
/** Far more than the error of the quotient's lower part, far less than what tells two doubles apart. */
const DOUBT = 2 ** -40;

/** The value of digits with at most one point in [start, end), without a sign; NaN when the text must decide. */
export function decimalOf(bytes: Uint8Array, start: number, end: number): number {
  let first = 0;
  let second = 0;
  let third = 0;
  let digits = 0;
  let point = end;
  for (let i = start; i < end; i++) {
    const digit = bytes[i] - 48;
    if (digit < 0) point = i + 1;
    else {
      if (digits < FIRST) first = (Math.imul(first, 10) + digit) | 0;
      else if (digits < FIRST_TWO) second = (Math.imul(second, 10) + digit) | 0;
      else third = (Math.imul(third, 10) + digit) | 0;
      digits++;
    }
  }
  const decimals = end - point;
  if (digits > ALL || decimals >= POWERS.length) return Number.NaN;
  if (digits <= FIRST) return first / POWERS[decimals];
  const head = first * POWERS[Math.min(digits, FIRST_TWO) - FIRST] + second;
  if (digits <= FIRST_TWO) return head / POWERS[decimals];
  return quotient(head, POWERS[digits - FIRST_TWO], third, POWERS[decimals]);
}

/** (head * power + tail) / divisor, rounded once; NaN when that is in doubt. */
function quotient(head: number, power: number, tail: number, divisor: number): number {
  const product = head * power;
  const high = product + tail;
  // What the product and the sum lost.
  const low = productError(head, power, product) + (tail - (high - product));
  const first = high / divisor;
  const back = first * divisor;
  const second = (high - back - productError(first, divisor, back) + low) / divisor;
  const doubt = second * DOUBT;
  const value = first + (second - doubt);
  return value === first + (second + doubt) ? value : Number.NaN;
}

/** a * b - product, exactly. */
function productError(a: number, b: number, product: number): number {
  const bigA = a * SPLIT;
  const highA = bigA - (bigA - a);
  const lowA = a - highA;
  const bigB = b * SPLIT;
  const highB = bigB - (bigB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}
