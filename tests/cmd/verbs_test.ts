/** What `luciole status`, `jobs`, `logs` and `cancel` show, and do. */
import { describe, expect, test } from "bun:test";
import { cancel, jobs, logs, status } from "../../cmd/cluster/verbs.ts";
import type { LogEntry } from "../../net/agent/workers/job_logs.ts";
import { agentView, clusterJob, FakeCluster, fakeTerminal, NOW } from "./fake_cluster.ts";

const entry = (number: number, text: string, changes: Partial<LogEntry> = {}): LogEntry => ({
  number,
  time: NOW + number * 1000,
  worker: 0,
  level: "info",
  text,
  ...changes,
});
const once = { isFollowed: false, pause: async () => undefined };

describe("status", () => {
  test("shows what is free, in 80 columns", async () => {
    const terminal = fakeTerminal();
    const agents = [agentView("a1"), agentView("a2", { state: "lost", silentMs: 12_000 })];
    await status(new FakeCluster(agents), terminal, "1.0.0");
    expect(terminal.lines.join("\n")).toBe(
      [
        "Master m1 at m1:7400, version 1.0.0, up 2 h 1 min",
        "1 agent, 3 of 4 slots free; 1 other gone",
        "",
        "AGENT  STATE      SLOTS FREE  MEMORY FREE  DISK FREE  JOBS  ADDRESS",
        "a1     alive             3/4      1.0 GiB   50.0 GiB     0  a1:7401",
        "a2     lost 12 s         3/4      1.0 GiB   50.0 GiB     0  a2:7401",
      ].join("\n"),
    );
  });

  test("shows places, labels and versions where they tell agents apart, and still in 80 columns", async () => {
    const terminal = fakeTerminal();
    const long = "a-machine-with-quite-a-long-name-7401";
    const agents = [
      agentView(long, {
        rack: "rack-17",
        labels: { gpu: "yes", zone: "" },
        version: "0.9.0",
        address: `${long}:7401`,
      }),
      agentView("a2"),
    ];
    await status(new FakeCluster(agents), terminal, "1.0.0");
    const [, , , head = "", ...rows] = terminal.lines.join("\n").split("\n");
    for (const title of ["PLACE", "LABELS", "VERSION"]) expect(head).toContain(title);
    expect(rows[0]).toContain("gpu");
    expect(head).toStartWith("AGENT");
    const wide = fakeTerminal({ width: Number.POSITIVE_INFINITY });
    await status(new FakeCluster(agents), wide, "1.0.0");
    expect(wide.lines.join("\n")).toContain("default/rack-17");
    expect(wide.lines.join("\n")).toContain("gpu=yes,zone");
  });

  test("says how to start an agent when there is none", async () => {
    const terminal = fakeTerminal();
    await status(new FakeCluster([]), terminal, "1.0.0");
    expect(terminal.lines.join("\n")).toEndWith(
      "No agents. Start one on any machine: luciole --role agent --master m1:7400",
    );
  });

  test("is the master's answer as JSON", async () => {
    const terminal = fakeTerminal({ isJson: true });
    await status(new FakeCluster([agentView("a1")]), terminal, "1.0.0");
    expect(JSON.parse(terminal.lines.join(""))).toMatchObject({
      address: "m1:7400",
      master: { id: "m1" },
      agents: [{ agent: { id: "a1" } }],
    });
  });
});

describe("jobs", () => {
  test("lists them", async () => {
    const terminal = fakeTerminal();
    await jobs(
      new FakeCluster([], [clusterJob("j1"), clusterJob("j22", { name: "sort", state: "ending" })]),
      terminal,
    );
    expect(terminal.lines.join("\n")).toBe(
      [
        "JOB  NAME   STATE    WORKERS  AGENTS        FOR  DRIVER",
        "j1   count  running        2       1  1 min 5 s  ann@laptop",
        "j22  sort   ending         2       1  1 min 5 s  ann@laptop",
      ].join("\n"),
    );
  });

  test("says that there are none", async () => {
    const [terminal, json] = [fakeTerminal(), fakeTerminal({ isJson: true })];
    await jobs(new FakeCluster([]), terminal);
    await jobs(new FakeCluster([]), json);
    expect([terminal.lines, json.lines]).toEqual([["No jobs."], ["[]"]]);
  });
});

describe("logs", () => {
  const both = clusterJob("j1", {
    agents: [
      { agent: "a1", workers: 1 },
      { agent: "a2", workers: 1 },
    ],
  });
  const agents = [agentView("a1"), agentView("a2")];

  test("are those of all agents, in the order of time", async () => {
    const terminal = fakeTerminal();
    const lines = {
      a1: [[entry(0, "first"), entry(2, "third", { level: "warn" })]],
      a2: [[entry(1, "second", { worker: 1 }), entry(3, "fourth", { worker: -1 })]],
    };
    await logs(new FakeCluster(agents, [both], lines), terminal, "j1", once);
    expect(terminal.lines).toEqual([
      "12:00:00 [worker 0] first",
      "12:00:01 [worker 1] second",
      "12:00:02 [worker 0] warn: third",
      "12:00:03 [agent a2] fourth",
    ]);
    expect(terminal.warnings).toEqual(["(agent a2 has dropped 1 older lines)"]);
  });

  test("are those of one worker when it is asked for", async () => {
    const terminal = fakeTerminal({ isJson: true });
    const lines = { a1: [[entry(0, "a"), entry(1, "b", { worker: 5 })]] };
    await logs(new FakeCluster(agents, [clusterJob("j1")], lines), terminal, "j1", { ...once, worker: 5 });
    expect(terminal.lines.map((line) => JSON.parse(line))).toEqual([
      { agent: "a1", ...entry(1, "b", { worker: 5 }) },
    ]);
  });

  test("are followed until no agent has the job any more", async () => {
    const terminal = fakeTerminal();
    const lines = { a1: [[entry(0, "a")], [], [entry(1, "b")]], a2: [[]] };
    let pauses = 0;
    const pause = async () => void pauses++;
    await logs(new FakeCluster(agents, [both], lines), terminal, "count", { isFollowed: true, pause });
    expect(terminal.lines).toEqual(["12:00:00 [worker 0] a", "12:00:01 [worker 0] b"]);
    expect({ pauses, warnings: terminal.warnings }).toEqual({ pauses: 3, warnings: [] });
  });

  test("are followed over requests that fail, until the agent is lost", async () => {
    const terminal = fakeTerminal();
    const broken = ["broken", "broken"] as const;
    const lines = {
      a1: [[entry(0, "a")], ...broken, [entry(1, "b")], ...broken, ...broken],
      a2: [[], "broken", [], "broken", []],
    } as const;
    const cluster = new FakeCluster(agents, [both], lines);
    let pauses = 0;
    const pause = async () => {
      pauses++;
      if (pauses === 6) cluster.show([agentView("a1", { state: "lost" }), agentView("a2")]);
    };
    await logs(cluster, terminal, "count", { isFollowed: true, pause });
    expect(terminal.lines).toEqual(["12:00:00 [worker 0] a", "12:00:01 [worker 0] b"]);
    // Once for each time that it was out of reach.
    expect(terminal.warnings.sort()).toEqual([
      "warning: Cannot ask agent a1",
      "warning: Cannot ask agent a1",
      "warning: Cannot ask agent a2",
      "warning: Cannot ask agent a2",
      "warning: agent a1 of the job is lost",
    ]);
    expect(pauses).toBe(6);
  });

  test("are those of the job that runs, where detached ones of the same name have ended", async () => {
    const terminal = fakeTerminal();
    const ended = {
      state: "succeeded",
      endedAt: NOW,
      detached: { agent: "a1", run: 1, exitCode: 0 },
    } as const;
    const all = [clusterJob("j1", ended), clusterJob("j2"), clusterJob("j3", ended)];
    await logs(new FakeCluster(agents, all, { a1: [[]] }), terminal, "count", once);
    expect(terminal.warnings).toEqual(["(no worker of job j2 has printed anything yet)"]);
    const both = logs(new FakeCluster(agents, [all[0], all[2]]), terminal, "count", once);
    expect(both).rejects.toThrow('"count": it may be j1, j3');
  });

  test("may be empty", async () => {
    const terminal = fakeTerminal();
    await logs(new FakeCluster(agents, [clusterJob("j1")], { a1: [[]] }), terminal, "j1", once);
    expect(terminal).toMatchObject({
      lines: [],
      warnings: ["(no worker of job j1 has printed anything yet)"],
    });
    const ofOne = fakeTerminal();
    const printed = { a1: [[entry(0, "a")]] };
    await logs(new FakeCluster(agents, [clusterJob("j1")], printed), ofOne, "j1", { ...once, worker: 7 });
    expect(ofOne).toMatchObject({ lines: [], warnings: ["(worker 7 of job j1 has printed nothing yet)"] });
  });
});

describe("cancel", () => {
  test("ends the job on each of its agents", async () => {
    const terminal = fakeTerminal();
    const cluster = new FakeCluster([agentView("a1"), agentView("a2")], [clusterJob("j1"), clusterJob("k1")]);
    await cancel(cluster, terminal, "k");
    expect(cluster.ended).toEqual(["a1 k1 ann@laptop with luciole cancel"]);
    expect(terminal.lines).toEqual(["Cancelled job k1 (count) on 1 agent"]);
  });

  test("names the agents that it could not reach", async () => {
    const cluster = new FakeCluster([agentView("a1", { address: "unreachable:1" })], [clusterJob("j1")]);
    const result = cancel(cluster, fakeTerminal(), "j1");
    expect(result).rejects.toThrow(
      "Cannot cancel job j1 on 1 of 1 agents: agent a1 at unreachable:1: nothing listens there",
    );
  });

  test.each([
    ["j", [clusterJob("j1"), clusterJob("j2")], 'Cannot cancel "j": it may be j1, j2'],
    ["count", [clusterJob("j1"), clusterJob("j2")], 'Cannot cancel "count": it may be j1, j2'],
    ["x", [], 'Cannot cancel "x": no job runs on the cluster'],
    ["cuont", [clusterJob("j1")], 'Cannot cancel "cuont": no job has that id or name; did you mean count?'],
    [
      "zzz",
      [clusterJob("j1")],
      'Cannot cancel "zzz": no job has that id or name; luciole jobs lists them all',
    ],
    ["", [clusterJob("j1")], 'Cannot cancel "": no job has that id or name; luciole jobs lists them all'],
  ])("refuses %j", (wanted, all, message) => {
    expect(cancel(new FakeCluster([agentView("a1")], all), fakeTerminal(), wanted)).rejects.toThrow(message);
  });

  test.each([
    ["at its client", {}],
    ["detached", { detached: { agent: "a1", run: 1 } }],
  ])("says of a job that has ended how it did, whoever ran it: %s", async (_, more) => {
    const terminal = fakeTerminal();
    const ended = clusterJob("j4f1", { state: "failed", endedAt: NOW, agents: [], ...more });
    const all = [ended, clusterJob("k1", { name: "other" })];
    for (const wanted of ["j4f1", "j4", "count"]) {
      await cancel(new FakeCluster([agentView("a1")], all), terminal, wanted);
      expect(terminal.lines.splice(0)).toEqual(["Job j4f1 (count) has ended already: failed"]);
    }
  });

  test("means the job that runs, where one of the same name has ended", async () => {
    const terminal = fakeTerminal();
    const ended = clusterJob("j1", { state: "failed", endedAt: NOW, agents: [] });
    await cancel(new FakeCluster([agentView("a1")], [clusterJob("j2"), ended]), terminal, "count");
    expect(terminal.lines).toEqual([expect.stringContaining("Cancelled job j2 (count)")]);
  });
});

describe("a detached job", () => {
  const load = { job: "j1", name: "count", driver: "ann@laptop", run: 2, since: NOW };
  const free = { freeSlots: 3, freeMemoryBytes: 2 ** 30, freeDiskBytes: 2 ** 30, jobs: [] };
  const agents = [
    agentView("a1", { load: { ...free, drivers: [{ ...load, state: "running" }] } }),
    agentView("a2", { load: { ...free, drivers: [{ ...load, state: "guarded" }] } }),
    agentView("a3", { state: "lost", load: { ...free, drivers: [{ ...load, run: 1, state: "running" }] } }),
  ];
  const running = clusterJob("j1", { detached: { agent: "a1", run: 2 } });
  const printed = (text: string) => ({
    ...{ kind: "output", next: 9, stream: "stdout", time: NOW },
    bytes: new TextEncoder().encode(text),
  });

  test("is listed with the agent that runs its driver, and with why it ended", async () => {
    const terminal = fakeTerminal({ width: 120 });
    const ended = { state: "failed", endedAt: NOW, cause: "no words" } as const;
    const failed = clusterJob("j2", { ...ended, agents: [], detached: { agent: "a2", run: 1, exitCode: 1 } });
    await jobs(new FakeCluster([], [failed, running]), terminal);
    const text = terminal.lines.join("\n");
    expect(text).toContain("ann@laptop on a1");
    expect(text).toContain("j2 (count) failed: no words");
    const none = fakeTerminal({ width: 120 });
    await jobs(new FakeCluster([], [{ ...failed, workers: 0 }]), none);
    expect(none.lines.join("\n")).toMatch(/^j2 +count +failed +1 min 5 s +ann@/m);
  });

  test("is cancelled at its guard first, which would start it again, and at no agent that is gone", async () => {
    const terminal = fakeTerminal();
    const cluster = new FakeCluster(agents, [running]);
    await cancel(cluster, terminal, "count");
    const by = "ann@laptop with luciole cancel";
    expect(cluster.ended).toEqual([`driver a2 j1 ${by}`, `driver a1 j1 ${by}`]);
    expect(terminal.lines).toEqual(["Cancelled job j1 (count), whose driver was on agent a1"]);
  });

  test("is cancelled though its guard cannot be told, which is no end where nobody else has it", async () => {
    const terminal = fakeTerminal();
    const [home, { load }] = agents;
    const guard = agentView("a2", { address: "unreachable:1", load });
    const cluster = new FakeCluster([home, guard], [running]);
    await cancel(cluster, terminal, "count");
    expect(cluster.ended).toEqual(["driver a1 j1 ann@laptop with luciole cancel"]);
    expect(terminal.lines).toEqual(["Cancelled job j1 (count), whose driver was on agent a1"]);
    expect(terminal.warnings).toEqual([
      "warning: a guard of the job could not be told: nothing listens there",
    ]);
    const alone = new FakeCluster([guard], [running]);
    await expect(cancel(alone, fakeTerminal(), "count")).rejects.toThrow("nothing listens there");
  });

  test("has the logs of its driver, as they came, also when it has ended; those of workers are asked for", async () => {
    const terminal = fakeTerminal();
    const cluster = new FakeCluster(agents, [{ ...running, state: "succeeded", endedAt: NOW }]);
    cluster.printed = [
      { kind: "dropped", next: 3, count: 3 },
      printed("half a"),
      printed(" line\n"),
    ] as never;
    await logs(cluster, terminal, "j1", once);
    expect({ lines: terminal.lines, warnings: terminal.warnings }).toEqual({
      lines: ["half a", " line\n"],
      warnings: ["(3 older bytes are not kept any more)"],
    });
    // Whoever follows it goes on with the next agent.
    const [, guard, lost] = agents;
    const followed = fakeTerminal();
    const moved = clusterJob("j1", { detached: { agent: "a3", run: 1 } });
    await logs(new FakeCluster([guard, lost], [moved]), followed, "j1", { ...once, isFollowed: true });
    expect({ lines: followed.lines, warnings: followed.warnings }).toEqual({
      lines: ["all of it\n"],
      warnings: ["(job j1 was started again on agent a2)"],
    });
    const gone = new FakeCluster([agentView("a1", { state: "left" })], [running]);
    await expect(logs(gone, terminal, "j1", once)).rejects.toThrow(
      "Cannot show the logs of job j1: they are with agent a1, which has left",
    );
  });
});
