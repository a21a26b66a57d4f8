/**
 * Folds the stack samples of a profiler: how often was each stack seen, and each function on top?
 *
 *   bun examples/stack_analysis.ts [INPUT]
 *
 * Each line of INPUT is one frame of one sample: `SAMPLE DEPTH FUNCTION`, in any order, with
 * depth 0 for the outermost function. Prints folded stacks (`main;parse;read 42`), which flame
 * graph tools take, and then the functions that were on top.
 */
import { flow, run } from "luciole";

interface Frame {
  readonly depth: number;
  readonly name: string;
}

const analyseStacks = flow("analyse-stacks", (f, p: { input: string }) => {
  const stacks = f
    .text(p.input)
    .filter((line) => line.trim() !== "")
    .map(parseFrame)
    .groupByKey()
    .values()
    .map((frames: Frame[]) => frames.sort((a, b) => a.depth - b.depth).map((frame) => frame.name));
  return {
    folded: stacks
      .map((names) => names.join(";"))
      .countByValue()
      .sortByKey(),
    onTop: stacks
      .map((names) => names[names.length - 1])
      .countByValue()
      .sortBy(([name, count]) => [-count, name]),
  };
});

function parseFrame(line: string): [sample: string, frame: Frame] {
  const [sample, depth, name] = line.trim().split(/\s+/);
  if (name === undefined) throw new Error(`Cannot read "${line}": expected SAMPLE DEPTH FUNCTION`);
  return [sample, { depth: Number(depth), name }];
}

await run(async (job) => {
  const [input = "examples/data/samples.txt"] = job.args;
  const { folded, onTop } = await job.execute(analyseStacks, { input });
  for await (const [stack, count] of folded) console.log(`${stack} ${count}`);
  console.log();
  for await (const [name, count] of onTop) console.log(`${count}\t${name}`);
});
