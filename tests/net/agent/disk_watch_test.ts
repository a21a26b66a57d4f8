/** How often the disk of an agent is measured. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiskWatch } from "../../../net/agent/disk_watch.ts";

const directory = mkdtempSync(join(tmpdir(), "luciole-test-"));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const LEAST_BETWEEN_MS = 400;

test("DiskWatch measures no more often when a job ends and another begins while it measures", async () => {
  const measured: number[] = [];
  const isOver = Promise.withResolvers<void>();
  const watch: DiskWatch = new DiskWatch({
    directory,
    quotaBytes: 2 ** 40,
    workers: () => {
      measured.push(performance.now());
      if (measured.length === 1) {
        watch.stop();
        watch.start();
      }
      if (measured.length === 4) isOver.resolve();
      return [];
    },
    onNotice: () => undefined,
    onRoom: () => undefined,
  });
  watch.start();
  await isOver.promise;
  watch.stop();
  const gaps = measured.slice(1).map((at, i) => at - measured[i]);
  expect(gaps.filter((ms) => ms < LEAST_BETWEEN_MS)).toEqual([]);
}, 60_000);
