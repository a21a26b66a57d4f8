/** What `luciole doctor` makes of what it found. */
import { describe, expect, test } from "bun:test";
import {
  type AgentFacts,
  type DiagnosisFacts,
  diagnose,
  diagnosisText,
  type Probe,
} from "../../../core/cluster/diagnosis.ts";

const ANSWER: Probe = { kind: "answer", ms: 1.5, version: "1.0.0", clockMs: 300 };
const GIB = 2 ** 30;
const AGENT: AgentFacts = {
  id: "a1",
  address: "h1:7401",
  state: "alive",
  silentMs: 100,
  freeDiskBytes: 50 * GIB,
  diskBytes: 100 * GIB,
  probe: ANSWER,
};
const WELL: DiagnosisFacts = {
  version: "1.0.0",
  about: "protocol 1, linux-x64",
  files: [{ what: "secret", path: "s.token" }],
  masters: [{ address: "m1:7400", probe: ANSWER }],
  agents: [AGENT],
  disks: [{ path: "/tmp", freeBytes: 10 * GIB, totalBytes: 100 * GIB }],
  ports: [
    { port: 7400, role: "master", state: "luciole" },
    { port: 7401, role: "agent", state: "free" },
  ],
};
const fails = (changes: Partial<DiagnosisFacts>) =>
  diagnose({ ...WELL, ...changes })
    .filter(({ isOk }) => !isOk)
    .map(({ check, text }) => `${check}: ${text}`);
const failure = (reason: string, why: string): Probe => ({ kind: "failure", reason, why });

describe("diagnose()", () => {
  test("finds nothing wrong where nothing is", () => {
    expect(diagnosisText(diagnose(WELL))).toBe(
      [
        "ok      luciole         version 1.0.0, protocol 1, linux-x64",
        "ok      secret          s.token",
        "ok      master m1:7400  answers in 1.5 ms, version 1.0.0",
        "ok      clock           that of m1:7400 is the same",
        "ok      agent a1        answers at h1:7401 in 1.5 ms, version 1.0.0",
        "ok      disk /tmp       10.0 GiB of 100 GiB free",
        "ok      port 7400       luciole listens on it on this machine",
        "ok      port 7401       free for an agent on this machine",
        "",
        "All is well.",
      ].join("\n"),
    );
  });

  test.each([
    ["refused", "start it there (luciole --role master), or name the right address with --master"],
    ["timeout", "see that the host is up, and that no firewall keeps port 7400 closed"],
    ["host", "see that the name is right, or use an address"],
    ["no-luciole", "see that the port is right: masters listen on 7400, agents on 7401"],
    ["agent", "name the master's address with --master; masters listen on 7400"],
    [
      "certificate",
      "see that --tls-ca names the authority of the cluster, and --tls-cert and --tls-key a certificate of it",
    ],
  ])("says what to do about a master that is of no use: %s", (reason, advice) => {
    const masters = [{ address: "m1:7400", probe: failure(reason, "so it is") }];
    expect(fails({ masters, agents: [] })).toEqual([`master m1:7400: so it is; ${advice}`]);
  });

  test("finds clocks that differ, agents that are gone, disks that are full, ports that are taken", () => {
    expect(fails({ masters: [{ address: "m", probe: { ...ANSWER, clockMs: -90_000 } }] })).toEqual([
      "clock: that of m is 1 min 30 s behind this machine's; set both right, with NTP for example",
    ]);
    const { probe: _, ...gone } = AGENT;
    expect(fails({ agents: [{ ...gone, state: "lost", silentMs: 61_000 }] })).toEqual([
      "agent a1: the master has not heard of it for 1 min 1 s; see whether it runs, and reaches the master from h1:7401",
    ]);
    expect(fails({ agents: [{ ...AGENT, probe: failure("refused", "nothing listens there") }] })).toEqual([
      "agent a1: at h1:7401: nothing listens there; it runs elsewhere now, or its --advertise is wrong",
    ]);
    expect(fails({ agents: [{ ...AGENT, freeDiskBytes: GIB / 2 }] })).toEqual([
      "disk of a1: 512 MiB of 100 GiB free; delete something, or give another --data-dir",
    ]);
    expect(fails({ agents: [] })).toEqual([
      "agents: there are none; start one on any machine: luciole --role agent --master m1:7400",
    ]);
    expect(fails({ ports: [{ port: 7401, role: "agent", state: "other" }] })).toEqual([
      "port 7401: something else than luciole listens on it on this machine; start the agent with another --port",
    ]);
    expect(fails({ files: [{ what: "secret", path: "s", why: "others may use it" }] })).toEqual([
      "secret: others may use it",
    ]);
  });

  test("blames a secret that cannot be read, and not the master that wants it", () => {
    const masters = [
      { address: "m", probe: failure("missing", "the cluster has a secret, and this program none") },
    ];
    const files = [{ what: "secret", path: "s", why: "others may use it" }];
    expect(fails({ masters, files, agents: [] })).toEqual([
      "secret: others may use it",
      "master m: it answers, and wants the secret that cannot be read",
    ]);
  });

  test("takes an agent that left, and a clock a few seconds apart, for what they are", () => {
    const masters = [{ address: "m", probe: { ...ANSWER, clockMs: 9_000 } }];
    const findings = diagnose({ ...WELL, masters, agents: [AGENT, { ...AGENT, id: "a2", state: "left" }] });
    expect(findings.find(({ check }) => check === "clock")).toEqual({
      check: "clock",
      isOk: true,
      text: "that of m is 9 s apart",
    });
    expect(findings.some(({ check }) => check === "agent a2")).toBe(false);
  });
});
