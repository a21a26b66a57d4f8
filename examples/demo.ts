/**
 * Counts the words of text files and prints the ten most frequent ones.
 *
 * The arguments are paths or globs; `--list FILE` names a file that holds one path a line.
 */
import { type Dataset, type FlowBuilder, flow, run } from "luciole";

interface Params {
  /** Paths or globs. */
  readonly paths: readonly string[];
  /** A file whose lines are paths. */
  readonly list: string | undefined;
}

const topWords = flow("top-words", (f, p: Params) =>
  lines(f, p)
    .words()
    .countByValue()
    .top(10, ([, count]) => count),
);

/** What was read, counted apart: a second reader would make the first flow store all lines. */
const size = flow("size", (f, p: Params) => lines(f, p).count());

/** One path or glob is split by bytes over the workers; several are split by files. */
function lines(f: FlowBuilder, { paths, list }: Params): Dataset<string> {
  if (list !== undefined) return f.text(list, { shards: 64 }).lines();
  const [first, ...others] = paths;
  if (first === undefined) throw new TypeError("Cannot count words: no file is given");
  return others.length === 0
    ? f.text(first)
    : f.values(paths, { shards: Math.min(64, paths.length) }).lines();
}

await run(async (job) => {
  const params = parseArguments(job.args);
  const begin = performance.now();
  const top = await job.execute(topWords, params);
  const seconds = (performance.now() - begin) / 1000;
  for (const [word, count] of await top.collect()) console.log(`${count}\t${word}`);

  const { outputs, done } = job.start(size, params);
  const { bytesIn } = await done;
  const [rows = 0] = await outputs.collect();
  console.log(
    `${rows} rows, ${sizeText(bytesIn)} in ${seconds.toFixed(2)} s on ${job.workers} workers: ` +
      `${Math.round(rows / seconds)} rows/s, ${sizeText(bytesIn / seconds)}/s`,
  );
});

function sizeText(bytes: number): string {
  if (bytes < 1e3) return `${Math.round(bytes)} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function parseArguments(args: readonly string[]): Params {
  return args[0] === "--list" ? { paths: [], list: args[1] } : { paths: args, list: undefined };
}
