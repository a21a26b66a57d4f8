/** What roles are started with: defaults, ranges, slips of the hand. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatAddress, parseAddress, parseAddresses } from "../../../core/cluster/address.ts";
import {
  compileAgentConfig,
  compileMasterConfig,
  type Machine,
  ROLE_SETTINGS,
} from "../../../core/cluster/config.ts";
import { SETTINGS } from "../../../core/cluster/settings.ts";
import { checkVariables } from "../../../core/cluster/variables.ts";
import { LucioleError } from "../../../core/errors.ts";
import { variableOf } from "../../../core/program/flag_reader.ts";
import { RUN_FLAG_NAMES } from "../../../core/program/run_flags.ts";

const MACHINE: Machine = {
  hostname: "big.example.org",
  home: "/home/a",
  cores: 8,
  memoryBytes: 16 * 2 ** 30,
};
const agent = (texts: Record<string, string> = {}, env: Record<string, string> = {}) =>
  compileAgentConfig(texts, env, MACHINE);
const master = (texts: Record<string, string> = {}, env: Record<string, string> = {}) =>
  compileMasterConfig(texts, env, MACHINE);

function usageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(LucioleError);
    expect((error as LucioleError).code).toBe("usage");
    return (error as LucioleError).message;
  }
  throw new Error("Expected a usage error");
}

describe("compileAgentConfig()", () => {
  test("has defaults for a cluster of this machine alone", () => {
    expect(agent()).toEqual({
      id: "big-example-org-7401",
      host: "127.0.0.1",
      port: 7401,
      security: { tls: {}, isInsecure: false },
      heartbeatMs: 2_000,
      logLevel: "info",
      isJson: false,
      warnings: [],
      advertise: { host: "127.0.0.1" },
      masters: ["127.0.0.1:7400"],
      directory: "/home/a/.luciole/agent-7401",
      dataCenter: "default",
      rack: "default",
      labels: {},
      slots: 8,
      memoryBytes: 8 * 2 ** 30,
      drivers: 8,
    });
  });

  test("takes every setting as a flag or as a variable, and the flag wins", () => {
    const texts: Record<string, string> = {
      master: "m1, m2:7500",
      host: "0.0.0.0",
      port: "0",
      name: "a1",
      advertise: "10.0.0.5:7999",
      "data-dir": "/data",
      slots: "3",
      memory: "2GiB",
      disk: "1TB",
      "data-center": "dc.1",
      rack: "r-1",
      labels: "gpu=yes,zone=",
      heartbeat: "500ms",
      "token-file": "secret",
      insecure: "true",
      "tls-cert": "c",
      drivers: "3",
      "tls-key": "k",
      "tls-ca": "a",
      "log-level": "warn",
      json: "true",
    };
    expect(Object.keys(texts).sort()).toEqual(ROLE_SETTINGS.agent.map((name) => SETTINGS[name].name).sort());
    const env = Object.fromEntries(Object.entries(texts).map(([name, text]) => [variableOf(name), text]));
    const config = agent(texts);
    expect(config).toEqual({
      id: "a1",
      host: "0.0.0.0",
      port: 0,
      security: { tokenFile: "secret", tls: { cert: "c", key: "k", ca: "a" }, isInsecure: true },
      heartbeatMs: 500,
      logLevel: "warn",
      isJson: true,
      warnings: [],
      advertise: { host: "10.0.0.5", port: 7999 },
      masters: ["m1:7400", "m2:7500"],
      directory: "/data",
      dataCenter: "dc.1",
      rack: "r-1",
      labels: { gpu: "yes", zone: "" },
      slots: 3,
      memoryBytes: 2 * 2 ** 30,
      drivers: 3,
      diskBytes: 1e12,
    });
    expect(agent({}, env)).toEqual(config);
    expect(agent({ slots: "5" }, env).slots).toBe(5);
  });

  test("is reached by the name of its machine when it listens everywhere", () => {
    for (const host of ["0.0.0.0", "::", "[::]"])
      expect(agent({ host }).advertise.host).toBe("big.example.org");
    expect(agent({ host: "10.1.2.3" }).advertise).toEqual({ host: "10.1.2.3" });
  });

  test("makes a name that is an id of whatever the machine is called", () => {
    for (const hostname of ["", "-x", "ä.b", "a".repeat(300), "...", "node_1"]) {
      const { id } = compileAgentConfig({}, {}, { ...MACHINE, hostname });
      expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/);
    }
  });

  test("warns of more memory than there is", () => {
    expect(agent({ memory: "32GiB" }).warnings).toEqual([
      "--memory is 32.0 GiB, and this machine has only 16.0 GiB",
    ]);
  });

  test.each([
    [{ port: "65536" }, 'Cannot read --port: expected a whole number from 0 to 65535, got "65536"'],
    [{ port: "-1" }, 'Cannot read --port: expected a whole number from 0 to 65535, got "-1"'],
    [{ port: "74o1" }, 'Cannot read --port: expected a whole number from 0 to 65535, got "74o1"'],
    [{ slots: "0" }, 'Cannot read --slots: expected a whole number from 1 to 4096, got "0"'],
    [{ memory: "2" }, 'Cannot read --memory: expected a size of at least 4MiB such as "2GiB", got "2"'],
    [
      { memory: "64MiB", slots: "64" },
      "Cannot use --memory 64.0 MiB for 64 slots: each needs at least 4.0 MiB",
    ],
    [{ disk: "10" }, 'Cannot read --disk: expected a size of at least 64MiB such as "2GiB", got "10"'],
    [{ heartbeat: "2" }, 'Cannot read --heartbeat: expected a time from 100ms to 1h such as "2s", got "2"'],
    [
      { heartbeat: "1ms" },
      'Cannot read --heartbeat: expected a time from 100ms to 1h such as "2s", got "1ms"',
    ],
    [{ name: "a b" }, 'Cannot read --name: expected a name of letters, digits, - and _, got "a b"'],
    [{ name: "../x" }, 'Cannot read --name: expected a name of letters, digits, - and _, got "../x"'],
    [{ rack: "" }, 'Cannot read --rack: expected a name of letters, digits, dots, - and _, got ""'],
    [{ labels: "gpu" }, 'Cannot read --labels: expected labels such as "gpu=yes,disk=ssd", got "gpu"'],
    [
      { labels: "a=1,a=2" },
      'Cannot read --labels: expected labels such as "gpu=yes,disk=ssd", got "a=1,a=2"',
    ],
    [
      { master: "http://m" },
      'Cannot read --master: expected addresses such as "host:7400" or "m1,m2", got "http://m"',
    ],
    [{ master: "" }, 'Cannot read --master: expected addresses such as "host:7400" or "m1,m2", got ""'],
    [
      { advertise: "a:b" },
      'Cannot read --advertise: expected an address such as "host" or "host:7401", got "a:b"',
    ],
    [{ "data-dir": " " }, 'Cannot read --data-dir: expected the name of a directory, got " "'],
    [{ insecure: "si" }, 'Cannot read --insecure: expected true or false, got "si"'],
  ] as [Record<string, string>, string][])("refuses %j as a usage error", (texts, message) => {
    expect(usageOf(() => agent(texts))).toBe(message);
  });

  test("names the variable when it is the variable that is wrong", () => {
    expect(usageOf(() => agent({}, { LUCIOLE_SLOTS: "many" }))).toBe(
      'Cannot read LUCIOLE_SLOTS: expected a whole number from 1 to 4096, got "many"',
    );
    expect(agent({}, { LUCIOLE_SLOTS: "" }).slots).toBe(8);
  });
});

describe("compileMasterConfig()", () => {
  test("has defaults for a cluster of this machine alone", () => {
    expect(master()).toMatchObject({
      id: "big-example-org-7400",
      host: "127.0.0.1",
      port: 7400,
      lostMs: 10_000,
    });
  });

  test("loses agents after five heartbeats, or as it is told, and never before two", () => {
    expect(master({ heartbeat: "1min" }).lostMs).toBe(300_000);
    expect(master({ "lost-after": "4s" }).lostMs).toBe(4_000);
    expect(usageOf(() => master({ "lost-after": "3s" }))).toBe(
      "Cannot use --lost-after 3 s with a heartbeat every 2 s: it must be twice that, or more",
    );
  });
});

describe("checkVariables()", () => {
  test("takes what is read, and what is not Luciole's", () => {
    checkVariables({ LUCIOLE_PORT: "1", LUCIOLE_X: "1", LUCIOLE_PROT: "", HOME: "/", LUCIOLES: "y" }, [
      "LUCIOLE_X",
    ]);
  });

  test("takes what Kubernetes sets for services", () => {
    checkVariables(
      { LUCIOLE_MASTER_SERVICE_HOST: "10.0.0.1", LUCIOLE_MASTER_PORT_7400_TCP_ADDR: "10.0.0.1" },
      [],
    );
  });

  test("takes the variables of runs", () => {
    const env = Object.fromEntries(RUN_FLAG_NAMES.map((name) => [variableOf(name), "1"]));
    checkVariables(env, RUN_FLAG_NAMES.map(variableOf));
    expect(Object.keys(env)).toContain("LUCIOLE_NO_WAIT");
  });

  test("takes what is like nothing, when it is told to", () => {
    checkVariables({ LUCIOLE_UNHEARD_OF: "1" }, [], { isLenient: true });
    expect(usageOf(() => checkVariables({ LUCIOLE_MASTR: "1" }, [], { isLenient: true }))).toContain(
      "LUCIOLE_MASTER?",
    );
  });

  test("names what nothing reads, and what may have been meant", () => {
    expect(usageOf(() => checkVariables({ LUCIOLE_PROT: "1" }, []))).toBe(
      "Cannot use the variable LUCIOLE_PROT: nothing reads it; did you mean LUCIOLE_PORT?",
    );
    expect(usageOf(() => checkVariables({ LUCIOLE_UNHEARD_OF: "1" }, []))).toBe(
      "Cannot use the variable LUCIOLE_UNHEARD_OF: nothing reads it; luciole help variables lists all",
    );
  });
});

describe("parseAddress()", () => {
  test.each([
    ["h", "h:7400"],
    ["h:1", "h:1"],
    [" a.b-c.d:65535 ", "a.b-c.d:65535"],
    ["10.0.0.1", "10.0.0.1:7400"],
    ["[::1]", "[::1]:7400"],
    ["[fe80::1]:80", "[fe80::1]:80"],
  ])("reads %j", (text, address) => {
    const parsed = parseAddress(text, 7400);
    expect(parsed === undefined ? undefined : formatAddress(parsed)).toBe(address);
  });

  test.each([
    "",
    ":",
    ":80",
    "h:0",
    "h:65536",
    "h:",
    "::1",
    "[h]",
    "a b",
    "a/b",
    "http://h",
    "1.2.3",
    "1.2.3.256",
    "-h",
  ])("refuses %j", (text) => {
    expect(parseAddress(text, 7400)).toBeUndefined();
  });

  test("reads what formatAddress wrote", () => {
    const hosts = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.domain().filter((name) => name.length < 200),
    );
    fc.assert(
      fc.property(hosts, fc.integer({ min: 1, max: 65535 }), (host, port) => {
        expect(parseAddress(formatAddress({ host, port }), 1)).toEqual({ host, port });
      }),
    );
  });

  test("reads lists, each address once", () => {
    expect(parseAddresses("a,b:1, a:7400,,", 7400)).toEqual(["a:7400", "b:1"]);
    expect(parseAddresses("a,b c", 7400)).toBeUndefined();
    expect(parseAddresses(",", 7400)).toBeUndefined();
  });
});
