/**
 * Random requests: bodies of the right names and wrong values, true ones with a change, and mere bytes.
 *
 * Knows what fields are called, and nothing of which route wants which.
 */
import fc from "fast-check";
import { encode } from "../../../net/cbor.ts";

const NAMES = [
  "agent address after at attempt attempts bytes bytesIn bytesOut blocks body cause chunks code command counters",
  "dataCenter diskBytes driver ended environment error events execution executions exclude firstWorker flow from",
  "freeDiskBytes freeMemoryBytes freeSlots group held host id incarnation input isFollowed isLeaving items job jobs",
  "kind labels leaseMs length level load memoryBytes ms name near orders params partition",
  "partitions peers pieces plan platform program programs rack release result rowsIn rowsOut samples seed sequence",
  "sha256 shard sides since size sizeBytes slots spilledBytes state stack task template templates text to token totals version worker",
  "acknowledged args base drivers endedAt exitCode details flags frame gang graceMs guards hashes heard history label",
  "letters life mail outcome parcel parcels payload receipt received run script",
  "workers workingDirectory __proto__ constructor toString",
].flatMap((line) => line.split(" "));

const ODD_TEXTS = [
  ...[
    "",
    ".",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a\u0000b",
    "-rf",
    "a b",
    "é",
    "\ud800",
    "%2e%2e",
  ],
  ...[
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "j1",
    "a1",
    "e0",
    "committed",
    "failed",
    "started",
    "ended",
  ],
  ...[
    "progress",
    "log",
    "parcel",
    "returned",
    "all",
    "info",
    "collective",
    "driverMessage",
    "bundle",
    "a".repeat(101),
    "a".repeat(100_000),
  ],
];
const ODD_NUMBERS = [
  0,
  -0,
  -1,
  1,
  2,
  0.5,
  4097,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e308,
  Number.NaN,
  Infinity,
];

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.constantFrom(...ODD_NUMBERS),
  fc.constantFrom(null, undefined, true, false, 10n ** 30n, -1n),
  fc.uint8Array({ maxLength: 20 }),
  fc.date({ noInvalidDate: false }),
  fc.string({ maxLength: 5 }),
);

export const oddValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.constantFrom(...NAMES), tie("value")), { maxLength: 8 })
      .map((pairs) => Object.fromEntries(pairs.filter(([name]) => name !== "__proto__"))),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => new Set(items)),
  ),
})).value;

/** A true body, as it is or with one place changed, dropped, doubled, or under another name. */
export function changed(body: unknown): fc.Arbitrary<unknown> {
  return fc
    .tuple(fc.nat(1000), oddValue, fc.constantFrom("same", "replace", "drop", "double", "rename"))
    .map(([seed, value, how]) => {
      const places = placesOf(body);
      const place = places[seed % places.length];
      return how === "same" ? body : changeAt(body, place, how, value);
    });
}

type Place = readonly (string | number)[];

export function placesOf(value: unknown, at: Place = []): Place[] {
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return [at];
  const inner = Object.entries(value).flatMap(([name, item]) => placesOf(item, [...at, name]));
  return [at, ...inner];
}

export function changeAt(body: unknown, [name, ...rest]: Place, how: string, value: unknown): unknown {
  if (name === undefined) return how === "double" ? [body, body] : value;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(body)
    ? [...body]
    : { ...(body as Record<string, unknown>) };
  const fields = copy as Record<string, unknown>;
  if (rest.length > 0 || how === "replace" || how === "double") {
    fields[name] = changeAt(fields[name], rest, how, value);
  } else {
    if (how === "rename") fields.x = fields[name];
    delete fields[name];
  }
  return copy;
}

/** As bytes, at times broken ones. */
export function bytesOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<Uint8Array> {
  const whole = value.map((body) => {
    try {
      return encode(body);
    } catch {
      return new Uint8Array([0xa0]);
    }
  });
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
  const broken = fc.tuple(whole, flips, fc.nat(20)).map(([bytes, changes, cut]) => {
    const copy = bytes.slice(0, cut === 0 ? bytes.length >> 1 : bytes.length);
    for (const [at, byte] of changes) if (copy.length > 0) copy[at % copy.length] = byte;
    return copy;
  });
  return fc.oneof(
    { weight: 4, arbitrary: whole },
    { weight: 2, arbitrary: broken },
    fc.uint8Array({ maxLength: 50 }),
  );
}
