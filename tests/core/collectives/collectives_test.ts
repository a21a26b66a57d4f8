/** Every collective against what an array of all values gives, for 1 to 33 ranks in any order of events. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { barrier } from "../../../core/collectives/barrier.ts";
import { combineBy, combineInto, type Vector } from "../../../core/collectives/combine.ts";
import { allGather, allToAll } from "../../../core/collectives/exchanges.ts";
import { allReduce, reduce } from "../../../core/collectives/reductions.ts";
import type { Place } from "../../../core/collectives/round.ts";
import { broadcast, gather } from "../../../core/collectives/trees.ts";
import { allReduceVector } from "../../../core/collectives/vector_reduction.ts";
import { play } from "./ranks.ts";

/** A size, a root, and an order of events. */
const runs = fc.integer({ min: 1, max: 33 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    root: fc.integer({ min: 0, max: size - 1 }),
    values: fc.array(fc.jsonValue(), { minLength: size, maxLength: size }),
    seed: fc.integer(),
  }),
);

function picker(seed: number): (count: number) => number {
  let state = seed | 0;
  return (count) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) % count;
  };
}

const log2 = (size: number): number => Math.ceil(Math.log2(size));

/** The order of docs: neighbours from rank 0 on until a power of two is left, then neighbours of those. */
function inOrder<T>(values: readonly T[], combine: (left: T, right: T) => T): T {
  const power = 2 ** Math.floor(Math.log2(values.length));
  const pairs = values.length - power;
  let held = Array.from({ length: power }, (_, i) =>
    i < pairs ? combine(values[2 * i], values[2 * i + 1]) : values[i + pairs],
  );
  while (held.length > 1) {
    held = Array.from({ length: held.length / 2 }, (_, i) => combine(held[2 * i], held[2 * i + 1]));
  }
  return held[0];
}

const bracket = (left: unknown, right: unknown): string => `(${left}${right})`;

describe("barrier()", () => {
  test("lets nobody out before all are in", () => {
    fc.assert(
      fc.property(runs, ({ size, seed }) => {
        let inside = 0;
        function* watched(place: Place) {
          inside += 1;
          yield* barrier(place);
          return inside;
        }
        const { results, rounds } = play(size, watched, picker(seed));
        expect(results).toEqual(new Array(size).fill(size));
        expect(rounds).toBe(log2(size));
      }),
    );
  });
});

describe("broadcast()", () => {
  test("gives all the value of the root, over a tree", () => {
    fc.assert(
      fc.property(runs, ({ size, root, values, seed }) => {
        const played = play(size, (place) => broadcast(place, values[place.rank], root), picker(seed));
        expect(played.results).toEqual(new Array(size).fill(values[root]));
        expect(Math.max(...played.sent)).toBe(log2(size));
      }),
    );
  });
});

describe("gather()", () => {
  test("gives the root all values by rank, over a tree", () => {
    fc.assert(
      fc.property(runs, ({ size, root, values, seed }) => {
        const played = play(size, (place) => gather(place, values[place.rank], root), picker(seed));
        expect(played.results).toEqual(values.map((_, rank) => (rank === root ? values : undefined)));
        expect(played.rounds).toBeLessThanOrEqual(log2(size) + 1);
      }),
    );
  });
});

describe("allGather()", () => {
  test("gives all the values of all, in as many rounds as the size has bits", () => {
    fc.assert(
      fc.property(runs, ({ size, values, seed }) => {
        const played = play(size, (place) => allGather(place, values[place.rank]), picker(seed));
        expect(played.results).toEqual(new Array(size).fill(values));
        expect(played.rounds).toBe(log2(size));
      }),
    );
  });
});

describe("allToAll()", () => {
  test("transposes", () => {
    fc.assert(
      fc.property(runs, ({ size, seed }) => {
        const rows = (rank: number) => Array.from({ length: size }, (_, to) => `${rank} to ${to}`);
        const played = play(size, ({ rank }) => allToAll({ rank, size }, rows(rank)), picker(seed));
        const columns = Array.from({ length: size }, (_, to) =>
          Array.from({ length: size }, (__, from) => `${from} to ${to}`),
        );
        expect(played.results).toEqual(columns);
      }),
    );
  });
});

describe("reduce() and allReduce()", () => {
  test("combine in the order that is documented, whatever the root and the time", () => {
    fc.assert(
      fc.property(runs, ({ size, root, seed }) => {
        const names = Array.from({ length: size }, (_, rank) => `${rank}.`);
        const expected = inOrder(names, bracket);
        expect(expected.replace(/[()]/g, "")).toBe(names.join(""));
        const all = play(size, (place) => allReduce(place, names[place.rank], bracket), picker(seed));
        expect(all.results).toEqual(new Array(size).fill(expected));
        const one = play(size, (place) => reduce(place, names[place.rank], bracket, root), picker(seed));
        expect(one.results).toEqual(names.map((_, rank) => (rank === root ? expected : undefined)));
      }),
    );
  });

  test("give the same bits for vectors of any length, whichever way they go", () => {
    const sum = combineBy("sum");
    fc.assert(
      fc.property(runs, fc.integer({ min: 0, max: 50 }), ({ size, seed, root }, length) => {
        const random = picker(seed);
        const make = () => Float64Array.from({ length }, () => random(1_000_003) / 999_983 + 1e-3);
        const vectors = Array.from({ length: size }, make);
        const before = vectors.map((vector) => vector.slice());
        const expected = inOrder<unknown>(vectors, sum);
        const by = combineInto("sum");
        const whole = play(size, (place) => allReduceVector(place, vectors[place.rank], by), picker(seed));
        expect(whole.results).toEqual(new Array(size).fill(expected));
        const small = play(size, (place) => allReduce(place, vectors[place.rank], sum), picker(seed));
        expect(small.results).toEqual(new Array(size).fill(expected));
        const one = play(size, (place) => reduce(place, vectors[place.rank], sum, root), picker(seed));
        expect(one.results[root]).toEqual(expected);
        expect(vectors).toEqual(before);
      }),
    );
  });

  test("give the same for vectors of many segments, of any type", () => {
    const types = [Float64Array, Float32Array, Int32Array, Uint8Array, BigInt64Array] as const;
    for (const size of [1, 2, 3, 5, 8]) {
      for (const by of ["sum", "min", "max"] as const) {
        const random = picker(size);
        const type = types[random(types.length)];
        const length = Math.floor((1 + random(10)) * (300_000 / type.BYTES_PER_ELEMENT));
        const make = (): Vector => {
          const vector = new type(length);
          for (let i = 0; i < length; i++) {
            const value = random(1_000_003);
            vector[i] = type === BigInt64Array ? BigInt(value) : value / 3;
          }
          return vector;
        };
        const vectors = Array.from({ length: size }, make);
        const before = vectors.map((vector) => vector.slice());
        const expected = inOrder<unknown>(vectors, combineBy(by));
        const rounds = (place: Place) => allReduceVector(place, vectors[place.rank], combineInto(by));
        const { results } = play(size, rounds, picker(size));
        for (const result of results) expect(Bun.deepEquals(result, expected, true)).toBe(true);
        expect(Bun.deepEquals(vectors, before, true)).toBe(true);
        expect(results.includes(vectors[0])).toBe(false);
      }
    }
  });

  test("send a long vector about twice, however many ranks there are", () => {
    const length = 4096;
    for (const size of [2, 4, 8, 16, 32]) {
      let elements = 0;
      function* counted(place: Place) {
        const rounds = allReduceVector(place, new Float64Array(length), combineInto("sum"));
        let next = rounds.next();
        while (next.done !== true) {
          for (const { value } of next.value.send ?? []) elements += (value as Vector).length;
          next = rounds.next(yield next.value);
        }
        return next.value;
      }
      play(size, counted, picker(size));
      expect(elements).toBe(2 * (size - 1) * length);
    }
  });
});

describe("combineBy()", () => {
  test("adds, and finds the least and the largest, of numbers, bigints, vectors and arrays of these", () => {
    expect(combineBy("sum")(1, 2)).toBe(3);
    expect(combineBy("sum")(2n ** 64n, 1n)).toBe(2n ** 64n + 1n);
    expect(combineBy("min")(-0, 0)).toBe(-0);
    expect(combineBy("max")(1, Number.NaN)).toBeNaN();
    expect(combineBy("max")(3n, 2n)).toBe(3n);
    expect(combineBy("min")(3n, 2n)).toBe(2n);
    expect(combineBy("sum")(Int32Array.of(1, 2), Int32Array.of(3, 4))).toEqual(Int32Array.of(4, 6));
    expect(combineBy("max")([1, [2n, Float32Array.of(3)]], [0, [5n, Float32Array.of(4)]])).toEqual([
      1,
      [5n, Float32Array.of(4)],
    ]);
    for (const [reduction, expected] of [
      ["sum", [3, -0, Number.NaN]],
      ["min", [1, -0, Number.NaN]],
      ["max", [2, -0, Number.NaN]],
    ] as const) {
      const [left, right] = [Float64Array.of(1, -0, Number.NaN), Float64Array.of(2, -0, 1)];
      expect([...(combineBy(reduction)(left, right) as Float64Array)]).toEqual([...expected]);
      expect(combineBy(reduction)([...left], [...right])).toEqual(expected);
    }
    expect(combineBy((a: string, b: string) => a + b)("a", "b")).toBe("ab");
  });

  test("refuses what is not alike, and says what it was", () => {
    const sum = combineBy("sum");
    expect(() => sum(1, "a")).toThrow("Cannot reduce number and string: numbers, bigints");
    expect(() => sum(1, 1n)).toThrow("Cannot reduce number and bigint");
    expect(() => sum(new Float64Array(2), new Float32Array(2))).toThrow("an instance of Float64Array");
    expect(() => sum(new Float64Array(2), new Float64Array(3))).toThrow("arrays of 2 and of 3 elements");
    expect(() => sum([1], [1, 2])).toThrow("arrays of 1 and of 2 elements");
    expect(() => combineBy("product")).toThrow('by must be "sum", "min", "max" or a function, got "product"');
    expect(() => combineBy(undefined)).toThrow("got undefined");
  });
});
