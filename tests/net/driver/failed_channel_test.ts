/** Channels whose source or rows fail: the flows that read them fail too, and do not wait for ever. */
import { describe, expect, test } from "bun:test";
import type { DatasetInput } from "../../../core/program/dataset_ref.ts";
import { flow } from "../../../core/program/flow.ts";
import { Cluster } from "../../oracle/cluster.ts";
import { soon, until } from "../../oracle/until.ts";

const reading = flow("failed-channel", (f, p: { rows: DatasetInput<unknown> }) =>
  f.from(p.rows).map((n) => n),
);
const counting = flow("failed-channel-count", (f, p: { rows: DatasetInput<unknown> }) =>
  f.from(p.rows).count(),
);

const SOURCES: Readonly<Record<string, () => AsyncIterable<unknown>>> = {
  "no more of these": async function* () {
    yield 1;
    throw new RangeError("no more of these");
  },
  "Cannot store a row: it is a function": async function* () {
    yield 1;
    yield () => 1;
    await new Promise(() => undefined);
  },
};

describe.each(Object.entries(SOURCES))("channel() whose source fails of %s", (message, source) => {
  test.each([reading, counting])(
    "fails the executions that read it, running or not begun (%#)",
    async (flow) => {
      await using cluster = await Cluster.open({ agents: 1, slots: 3 });
      const rows = cluster.job.channel(source());
      await expect(soon("the reader", cluster.job.execute(flow, { rows }))).rejects.toThrow(message);
      await expect(soon("the channel", rows.done)).rejects.toThrow(message);
      await expect(soon("a later reader", cluster.job.execute(flow, { rows }))).rejects.toThrow(message);
      await until("the rows are deleted", () => cluster.files().length === 0);
    },
  );
});
