/**
 * Seeds of runs that went wrong once, and what it was. They are replayed by the test; a change of the simulation itself
 * may make other runs of them, so each bug has a test of its own beside.
 */
export const REGRESSIONS: readonly { readonly seed: number; readonly was: string }[] = [
  {
    seed: 48,
    was: "an order that came once more, late, was performed again after its attempt had been released",
  },
  {
    seed: 2641,
    was: "a followed task was stopped to make room for an earlier one, and launched again for ever",
  },
  {
    seed: 310015,
    was: "a part of a job that had been ended and begun anew was taken for the one before",
  },
  {
    seed: 3755,
    was: "a worker that was left of a start that was given up got a seat that its agent does not have",
  },
  {
    seed: 229,
    was: "an execution was forgotten while shards of it were copied to the checkpoint: they stayed until the end of the job",
  },
  {
    seed: 905319,
    was: "a worker that had been removed was started again by the request to start it, which came once more",
  },
  {
    seed: 5055249,
    was: "what a sorted group reads was kept while the last of its shards were brought from their copies",
  },
  {
    seed: 201707,
    was: "what had lost its workers was refused others, which were just about to be looked for",
  },
  {
    seed: 401107,
    was: "messages went to a worker of another agent, which was left of a start that was given up under the same number",
  },
  {
    seed: 5238,
    was: "a replacement ended what a scale-up had just begun on an agent that had been lost",
  },
  {
    seed: 1002939,
    was: "mail of an agent that was there again never came, since it was told late as gone",
  },
  {
    seed: 1028150,
    was: "an agent that had been started anew kept workers that its job did not count on",
  },
  {
    seed: 1034660,
    was: "an agent that had been started anew was given more workers of a job that it did not have",
  },
  {
    seed: 3163713,
    was: "mail to an agent that was there again went nowhere, since it was told as gone once more, late",
  },
  {
    seed: 9085382,
    was: "an execution failed of a lost shard while its sinks were published: they were there, and it was told as failed",
  },
  {
    seed: 9045720,
    was: "a worker that was retired before the request to start it came was started, and got orders",
  },
];
