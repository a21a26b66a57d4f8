/** Types of metagraphs, checked by the compiler: what no vertex would be given is an error before anything runs. */
import { expect, test } from "bun:test";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import type { DatasetHandle } from "../../net/driver/handle.ts";
import type { Job } from "../../net/driver/job.ts";

type Rows = DatasetInput<number>;

const plain = flow("meta-types-plain", (f) => f.range(3));
const numbers = flow("meta-types-numbers", (f, p: { n: number; shards?: number }) => f.range(p.n));
const scaled = flow("meta-types-scaled", (f, p: { rows: Rows; by: number }) =>
  f.from(p.rows).map((n) => n * p.by),
);
const joined = flow("meta-types-joined", (f, p: { left: Rows; right?: Rows }) =>
  p.right === undefined ? f.from(p.left) : f.from(p.left).union(f.from(p.right)),
);
const added = flow("meta-types-added", (f, p: { left: Rows; right: Rows; by?: number }) =>
  f.from(p.left).union(f.from(p.right)),
);

/** Never runs: only the compiler looks at it. */
export async function types(job: Job, handle: DatasetHandle<number>): Promise<void> {
  const made = { flow: numbers, params: { n: 3 } };
  const all = await job
    .metagraph({
      plain: { flow: plain },
      made,
      some: { flow: numbers, params: { n: 3, shards: 2 } },
      inputs: { flow: scaled, inputs: { rows: "made" }, params: { by: 2 } },
      params: { flow: scaled, params: { rows: handle, by: 2 } },
      maker: {
        flow: scaled,
        inputs: { rows: "made" },
        params: async ({ rows }) => ({ by: await rows.count() }),
      },
      none: { flow: joined, inputs: { left: "made" } },
      left: { flow: added, inputs: { left: "made" }, params: { right: handle } },
      sides: {
        flow: added,
        inputs: { left: "made", right: "plain" },
        params: ({ left }) => ({ by: left.id.length }),
      },
      both: { flow: joined, inputs: { left: "made", right: "plain" }, workers: [0], keep: true },
    })
    .run();
  const rows: DatasetHandle<number> = all.maker;
  void rows;

  // @ts-expect-error nobody gives n
  job.metagraph({ made: { flow: numbers } });
  // @ts-expect-error nobody gives n
  job.metagraph({ made: { flow: numbers, params: { shards: 2 } } });
  // @ts-expect-error nobody gives by
  job.metagraph({ made, vertex: { flow: scaled, inputs: { rows: "made" } } });
  // @ts-expect-error the function makes no by
  job.metagraph({ made, vertex: { flow: scaled, inputs: { rows: "made" }, params: () => ({}) } });
  // @ts-expect-error n is a number
  job.metagraph({ made: { flow: numbers, params: { n: "3" } } });
  // @ts-expect-error there is no such parameter
  job.metagraph({ made: { flow: numbers, params: { n: 3, m: 3 } } });
  // @ts-expect-error by is no dataset
  job.metagraph({ made, vertex: { flow: scaled, inputs: { rows: "made", by: "made" }, params: { by: 2 } } });
  // @ts-expect-error nobody gives rows
  job.metagraph({ vertex: { flow: scaled, params: { by: 2 } } });
  // @ts-expect-error nobody gives left
  job.metagraph({ vertex: { flow: joined } });
  // @ts-expect-error nobody gives right
  job.metagraph({ made, vertex: { flow: added, inputs: { left: "made" }, params: { by: 2 } } });
  // @ts-expect-error nobody gives left
  job.metagraph({ vertex: { flow: added, params: { right: handle } } });
}

test("the types above compile", () => {
  expect(typeof types).toBe("function");
});
