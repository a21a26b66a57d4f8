/**
 * Seeds of runs that went wrong once, and what it was. They are replayed by the test; a change of the simulation itself
 * may make other runs of them, so each bug has a test of its own beside.
 */
export const REGRESSIONS: readonly { readonly seed: number; readonly was: string }[] = [
  {
    seed: 33,
    was: "an order that came once more, late, was performed again after its attempt had been released",
  },
  {
    seed: 259,
    was: "a handle that was dropped before its execution was submitted kept the dataset for ever",
  },
  {
    seed: 306,
    was: "a followed task was stopped to make room for an earlier one, and launched again for ever",
  },
  {
    seed: 1902,
    was: "two agents that could not reach each other read each other's shards until the job failed",
  },
];
