/** Ranks and hosts as starters of many processes tell them. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { expandNodelist } from "../../../core/cluster/nodelist.ts";
import { readSymmetric } from "../../../core/cluster/symmetric.ts";
import { FlagReader } from "../../../core/program/flag_reader.ts";
import { compileRunFlags } from "../../../core/program/run_flags.ts";

describe("expandNodelist()", () => {
  test.each([
    ["node1", ["node1"]],
    ["a,b.example.org", ["a", "b.example.org"]],
    ["node[1-3]", ["node1", "node2", "node3"]],
    ["node[08-10,7],login", ["node08", "node09", "node10", "node7", "login"]],
    ["r[1-2]n[1-2]-ib", ["r1n1-ib", "r1n2-ib", "r2n1-ib", "r2n2-ib"]],
  ])("reads %j", (text, hosts) => {
    expect(expandNodelist(text)).toEqual(hosts);
  });

  test.each(["", "node[", "node[]", "node[a]", "node[3-1]", "node[1-2", "a b", "a]", "node[1-999999999]"])(
    "refuses %j",
    (text) => {
      expect(expandNodelist(text)).toBeUndefined();
    },
  );

  test("takes any range apart again", () => {
    const range = fc.record({ from: fc.nat(500), more: fc.nat(50), width: fc.integer({ min: 1, max: 6 }) });
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 4 }), (ranges) => {
        const write = (number: number, width: number) => String(number).padStart(width, "0");
        const text = ranges.map(
          ({ from, more, width }) => `${write(from, width)}-${write(from + more, width)}`,
        );
        const expected = ranges.flatMap(({ from, more, width }) => {
          const digits = write(from, width).length;
          return Array.from({ length: more + 1 }, (_, i) => `n${write(from + i, digits)}`);
        });
        expect(expandNodelist(`n[${text.join(",")}]`)).toEqual(expected);
      }),
    );
  });
});

describe("readSymmetric()", () => {
  const read = (texts: Record<string, string>, env: Record<string, string>) =>
    readSymmetric(new FlagReader(texts, env), env);

  test("is nothing unless asked for", () => {
    expect(read({}, { SLURM_PROCID: "0", SLURM_NODELIST: "a" })).toBeUndefined();
  });

  test.each([
    [
      { SLURM_PROCID: "2", SLURM_NTASKS: "3", SLURM_JOB_NODELIST: "n[07-09]" },
      { rank: 2, ranks: 3, head: "n07:7400", localRanks: 1 },
    ],
    [
      { OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "4", LUCIOLE_HEAD: "h:8000" },
      { rank: 1, ranks: 4, head: "h:8000", localRanks: 1 },
    ],
    [
      { PSSH_NODENUM: "0", LUCIOLE_HEAD: "h" },
      { rank: 0, head: "h:7400", localRanks: 1 },
    ],
    [
      { SLURM_PROCID: "0", SLURM_NTASKS: "1" },
      { rank: 0, ranks: 1, head: "127.0.0.1:7400", localRanks: 1 },
    ],
    [
      {
        SLURM_PROCID: "1",
        SLURM_NTASKS: "4",
        SLURM_NODELIST: "n[1-2]",
        SLURM_JOB_ID: "1234",
        SLURM_STEP_ID: "3",
        SLURMD_NODENAME: "n1",
        SLURM_CPUS_PER_TASK: "6",
        SLURM_NTASKS_PER_NODE: "2",
      },
      { rank: 1, ranks: 4, head: "n1:29875", host: "n1", slots: 6, localRanks: 2 },
    ],
    [{ LUCIOLE_RANK: "5", LUCIOLE_HEAD: "::" }, undefined],
  ])("reads %j", (env, expected) => {
    const variables = Object.fromEntries(Object.entries(env).map(([name, text]) => [name, String(text)]));
    if (expected === undefined) expect(() => read({ symmetric: "true" }, variables)).toThrow("LUCIOLE_HEAD");
    else expect(read({ symmetric: "true" }, variables)).toEqual(expected);
  });

  test("believes flags before the starter", () => {
    const env = { SLURM_PROCID: "2", SLURM_NTASKS: "3", SLURM_NODELIST: "a,b" };
    expect(read({ symmetric: "true", rank: "0", ranks: "2", head: "x" }, env)).toEqual({
      rank: 0,
      ranks: 2,
      head: "x:7400",
      localRanks: 1,
    });
  });

  test.each([
    [{}, {}, "none of SLURM_PROCID, OMPI_COMM_WORLD_RANK"],
    [{ rank: "1" }, {}, "give it with --head HOST"],
    [{ rank: "3", ranks: "3", head: "h" }, {}, "rank 3 is not below the number of ranks, 3"],
    [{}, { SLURM_PROCID: "x" }, 'SLURM_PROCID must be a whole number, and is "x"'],
    [{}, { SLURM_PROCID: "0", SLURM_NODELIST: "n[" }, 'SLURM_NODELIST is no list of hosts: "n["'],
  ] as [Record<string, string>, Record<string, string>, string][])(
    "refuses %j with %j",
    (texts, env, why) => {
      expect(() => read({ symmetric: "true", ...texts }, env)).toThrow(why);
    },
  );

  test("makes the head the only master of the run", () => {
    const flags = compileRunFlags({ symmetric: "true", rank: "1", head: "h" }, { LUCIOLE_MASTER: "other" });
    expect(flags.cluster?.masters).toEqual(["h:7400"]);
    expect(() => compileRunFlags({ symmetric: "true", rank: "1", head: "h", master: "m" }, {})).toThrow(
      "a cluster of their own",
    );
  });
});
