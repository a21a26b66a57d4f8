/** Which command lines start a role. */
import { describe, expect, test } from "bun:test";
import { splitRole } from "../../cmd/roles/role_argv.ts";

const VERBS = ["run", "status"];

describe("splitRole()", () => {
  test.each([
    [["--role", "agent"], undefined, "agent", []],
    [["--role=master", "--port", "1"], undefined, "master", ["--port", "1"]],
    [["--port", "1", "--role", "agent", "--json"], undefined, "agent", ["--port", "1", "--json"]],
    [["--role", "driver", "job.ts", "--role", "x"], undefined, "driver", ["job.ts", "--role", "x"]],
    [[], "agent", "agent", []],
    [["--help"], "master", "master", ["--help"]],
    [["--role", "agent"], "master", "agent", []],
  ] as const)("reads %j with LUCIOLE_ROLE=%p", (argv, variable, role, rest) => {
    expect(splitRole(argv, VERBS, variable)).toEqual({ role, rest });
  });

  test.each([
    [[], undefined],
    [[], ""],
    [["status"], "agent"],
    [["--version"], "agent"],
    [["run", "job.ts", "--role", "agent"], undefined],
    [["--", "--role", "agent"], undefined],
    [["--help"], undefined],
  ])("leaves %j with LUCIOLE_ROLE=%p to the verbs", (argv, variable) => {
    expect(splitRole(argv, VERBS, variable)).toBeUndefined();
  });

  test.each([
    [
      ["--role"],
      undefined,
      "Cannot read --role: its value is missing; it is one of master, agent, driver, task",
    ],
    [
      ["--role", "agnet"],
      undefined,
      'Cannot read --role: expected one of master, agent, driver, task, got "agnet"; did you mean agent?',
    ],
    [[], "boss", 'Cannot read LUCIOLE_ROLE: expected one of master, agent, driver, task, got "boss"'],
  ])("refuses %j with LUCIOLE_ROLE=%p", (argv, variable, message) => {
    expect(() => splitRole(argv, VERBS, variable)).toThrow(message);
  });
});
