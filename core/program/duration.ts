/**
 * Durations as people write them ("2s", "500ms", "1m30s") and read them ("2 h 5 min").
 *
 * Knows nothing of where the text came from; the caller says so in its own message.
 */
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };

/** Milliseconds of a duration such as "2s"; undefined when it is not one, or has no unit. */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|min|m|h)\s*/gy)];
  const read = parts.reduce((length, [part]) => length + part.length, 0);
  if (parts.length === 0 || read !== text.trim().length) return undefined;
  const ms = Math.round(
    parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (UNIT_MS[unit] ?? 0), 0),
  );
  return Number.isSafeInteger(ms) ? ms : undefined;
}

const LARGE_UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** At most two units, the largest that fit: "3 d 2 h", "12 s"; below a second, "250 ms". */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const first = LARGE_UNITS.findIndex(([, size]) => ms >= size);
  const [[name, size] = ["s", 1_000], second] = LARGE_UNITS.slice(first);
  const whole = `${Math.floor(ms / size)} ${name}`;
  if (second === undefined) return whole;
  const rest = Math.floor((ms % size) / second[1]);
  return rest === 0 ? whole : `${whole} ${rest} ${second[0]}`;
}
