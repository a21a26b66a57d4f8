/** What roles tell their operators. */
import { expect, test } from "bun:test";
import { type NoticeOptions, openNotices } from "../../cmd/roles/notices.ts";

function open(changes: Partial<NoticeOptions> = {}) {
  const lines: string[] = [];
  const now = () => new Date(Date.UTC(2026, 0, 1));
  const write = (line: string) => void lines.push(line);
  return {
    lines,
    notice: openNotices({ role: "agent", isJson: false, logLevel: "info", write, now, ...changes }),
  };
}

test("openNotices() writes a line with time and level, whatever is told", () => {
  const { lines, notice } = open();
  notice("agent a1 listens");
  notice("two\n  lines", "error");
  notice("warning: no TLS");
  notice("Cannot use the master at m1");
  notice("request r1 (GET /v1/jobs) failed: no token");
  notice("not shown", "debug");
  expect(lines).toEqual([
    "2026-01-01T00:00:00.000Z info  agent a1 listens",
    "2026-01-01T00:00:00.000Z error two | lines",
    "2026-01-01T00:00:00.000Z warn  no TLS",
    "2026-01-01T00:00:00.000Z warn  Cannot use the master at m1",
    "2026-01-01T00:00:00.000Z warn  request r1 (GET /v1/jobs) failed: no token",
  ]);
});

test("openNotices() writes JSON, and nothing below its level", () => {
  const { lines, notice } = open({ isJson: true, logLevel: "warn" });
  notice("agent a1 listens");
  notice("warning: no TLS");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { kind: "notice", time: "2026-01-01T00:00:00.000Z", role: "agent", level: "warn", text: "no TLS" },
  ]);
});
