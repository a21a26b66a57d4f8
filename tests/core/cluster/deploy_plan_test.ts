/** What `luciole deploy` starts on which hosts. */
import { describe, expect, test } from "bun:test";
import { parseHosts, platformOf } from "../../../core/deploy/hosts.ts";
import { type DeployOptions, planDeployment } from "../../../core/deploy/plan.ts";

const plan = (hosts: readonly string[], changes: Partial<DeployOptions> = {}) =>
  planDeployment({ hosts: parseHosts(hosts), tls: {}, isInsecure: false, agentArgs: [], ...changes });
const flag = (args: readonly string[], name: string) => args[args.lastIndexOf(name) + 1];

describe("parseHosts()", () => {
  test("reads hosts with and without users, each once", () => {
    expect(parseHosts(["n1", "ann@n2,n3", "n1", "[fe80::1]"])).toEqual([
      { target: "n1", host: "n1" },
      { target: "ann@n2", host: "n2" },
      { target: "n3", host: "n3" },
      { target: "fe80::1", host: "fe80::1" },
    ]);
  });

  test.each([
    [
      ["n1:22"],
      'Cannot deploy to "n1:22": expected a host, or user@host; a port of ssh is given with --ssh-option Port=2222',
    ],
    [["-oProxyCommand=x"], 'Cannot deploy to "-oProxyCommand=x": expected a host, or user@host'],
    [["a@b@c"], 'Cannot deploy to "a@b@c": expected a host, or user@host'],
    [["a/b"], 'Cannot deploy to "a/b": expected a host, or user@host'],
    [[","], "Cannot deploy: no host is named"],
  ])("refuses %j", (hosts, message) => {
    expect(() => parseHosts(hosts)).toThrow(message);
  });
});

describe("planDeployment()", () => {
  test("starts the master on the first host and an agent on each", () => {
    const { masters, hosts } = plan(["n1", "u@n2"], { tokenFile: "token", agentArgs: ["--slots", "2"] });
    expect(masters).toEqual(["n1:7400"]);
    expect(hosts.map(({ roles }) => roles.map(({ role }) => role))).toEqual([["master", "agent"], ["agent"]]);
    expect(hosts[0]?.roles[0]?.args).toEqual([
      "--host",
      "0.0.0.0",
      "--port",
      "7400",
      "--token-file",
      "token",
    ]);
    const agent = hosts[1]?.roles[0]?.args ?? [];
    expect([flag(agent, "--master"), flag(agent, "--advertise")]).toEqual(["n1:7400", "n2"]);
    expect(agent.slice(-2)).toEqual(["--slots", "2"]);
  });

  test("starts those masters that are named and among the hosts", () => {
    const { masters, hosts } = plan(["n1", "n2"], { masters: ["n2:7500", "elsewhere:7400"] });
    expect(masters).toEqual(["n2:7500", "elsewhere:7400"]);
    expect(hosts.map(({ roles }) => roles.map(({ role }) => role))).toEqual([["agent"], ["master", "agent"]]);
    expect(flag(hosts[0]?.roles[0]?.args ?? [], "--master")).toBe("n2:7500,elsewhere:7400");
  });

  test("listens for this machine alone when that is all there is", () => {
    const [host] = plan(["localhost"]).hosts;
    expect(host?.roles.map(({ args }) => flag(args, "--host"))).toEqual(["localhost", "localhost"]);
    expect(() => plan(["localhost", "n2"])).toThrow("name this machine as the others reach it");
  });
});

test.each([
  ["Linux", "x86_64", "linux-x64"],
  ["Linux", "aarch64", "linux-arm64"],
  ["Darwin", "arm64", "darwin-arm64"],
  ["SunOS", "x86_64", undefined],
  ["Linux", "riscv64", undefined],
])("platformOf(%j, %j) is %p", (system, machine, platform) => {
  expect(platformOf(system, machine)).toBe(platform);
});
