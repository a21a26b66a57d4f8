/**
 * Inputs of the examples, made from a seed, and the few plain computations that several
 * tests compare with. Knows nothing of the engine.
 */

/** Fixed, so that a failure can be looked at again; set to try others. */
export const SEED = Number(process.env.EXAMPLES_SEED ?? 20_240_607);

/** Whole numbers from 0 to below a bound. */
export type Random = (bound: number) => number;

/** A linear congruential generator (Knuth's MMIX); the high bits are used. */
export function seededRandom(seed: number): Random {
  let state = BigInt(seed);
  return (bound) => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number((state >> 33n) % BigInt(bound));
  };
}

/** Code point order and UTF-16 order differ in the last two. */
const ODD_WORDS = ["été", "straße", "日本", "O'Neil", "-0", "NaN", "__proto__", "constructor", "ｚ", "😀"];

/** Lines of words, a few of them very frequent; empty lines and odd spacing included. */
export function randomText(random: Random, lines: number): string {
  const words = [
    "the",
    "fireflies",
    ...Array.from({ length: 60 }, (_, i) => `w${i.toString(36)}`),
    ...ODD_WORDS,
  ];
  const line = () =>
    Array.from({ length: random(12) }, () => words[random(1 + random(words.length))]).join(
      random(8) === 0 ? " \t " : " ",
    );
  return Array.from({ length: lines }, () => `${line()}\n`).join("");
}

export function linesOf(text: string): string[] {
  if (text === "") return [];
  return text.split("\n").slice(0, text.endsWith("\n") ? -1 : undefined);
}

export function countsOf<T>(values: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** Letters only and lower case, as the inverted file takes words. */
export function lettersOf(text: string): string[] {
  return [...text.toLowerCase().matchAll(/\p{Letter}+/gu)].map(([word]) => word);
}

/** The order of code points. */
export function compareText(a: string, b: string): number {
  const left = [...a].map((character) => character.codePointAt(0) ?? 0);
  const right = [...b].map((character) => character.codePointAt(0) ?? 0);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i] - right[i];
  }
  return left.length - right.length;
}
