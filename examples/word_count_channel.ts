/**
 * Feeds a running flow from the driver, and prints its two outputs while they come.
 *
 *   bun examples/word_count_channel.ts [LINE...]
 *
 * Each LINE is sent through the channel. Long words come out at once, the counts at the end.
 */
import { type DatasetInput, flow, run } from "luciole";

const watchWords = flow("watch-words", (f, p: { lines: DatasetInput<string>; long: number }) => {
  const words = f.from(p.lines).words();
  return {
    long: words.filter((word) => word.length >= p.long),
    counts: words.countByValue().sortByKey(),
  };
});

const SAMPLE = ["fireflies flash to find each other", "each kind of fireflies has a rhythm of its own"];

/** Any source of rows will do: a socket, a queue, a timer. */
async function* readLines(args: readonly string[]): AsyncGenerator<string> {
  yield* args.length === 0 ? SAMPLE : args;
}

await run(async (job) => {
  const lines = job.channel(readLines(job.args));
  // `start` returns at once, so the outputs can be read while the flow runs.
  const { outputs, done } = job.start(watchWords, { lines, long: 6 });
  await Promise.all([
    (async () => {
      for await (const word of outputs.long) console.log(`long\t${word}`);
    })(),
    (async () => {
      for await (const [word, count] of outputs.counts) console.log(`${count}\t${word}`);
    })(),
  ]);
  await done;
});
