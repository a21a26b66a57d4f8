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
];
