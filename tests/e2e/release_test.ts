/** Executables of all platforms: they are what their names say, their sums hold, and what is packed runs where nothing else is. */
import { beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const RELEASE = join(ROOT, "dist", "release");
/** Downloads the runtimes of the other platforms the first time. */
const LIMIT_MS = 240_000;

function run(command: readonly string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd, timeout: LIMIT_MS });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

beforeAll(() => {
  run([join(ROOT, "scripts/build"), "--all"], ROOT);
}, LIMIT_MS);

/** What the first bytes of an executable say of its format and its processor. */
function formatOf(path: string): string {
  const head = new DataView(readFileSync(path).buffer, 0, 4096);
  if (head.getUint32(0) === 0x7f454c46) return `ELF, machine ${head.getUint16(18, true)}`;
  if (head.getUint32(0, true) === 0xfeedfacf) return `Mach-O, type ${head.getUint32(4, true).toString(16)}`;
  const signature = head.getUint32(0x3c, true);
  if (head.getUint16(0) === 0x4d5a && head.getUint32(signature) === 0x50450000) {
    return `PE, machine ${head.getUint16(signature + 4, true).toString(16)}`;
  }
  return "unknown";
}

test("B6: there is an executable for each platform, in its format and for its processor", () => {
  expect(formatOf(join(RELEASE, "luciole-linux-x64"))).toBe("ELF, machine 62");
  expect(formatOf(join(RELEASE, "luciole-linux-arm64"))).toBe("ELF, machine 183");
  expect(formatOf(join(RELEASE, "luciole-darwin-arm64"))).toBe("Mach-O, type 100000c");
  expect(formatOf(join(RELEASE, "luciole-windows-x64.exe"))).toBe("PE, machine 8664");
});

test(
  "what is packed unpacks and runs in an empty directory, and the sums hold",
  () => {
    run([join(ROOT, "scripts/release"), "linux-x64"], ROOT);
    const sums = run(["sha256sum", "--check", "SHA256SUMS"], RELEASE).trim().split("\n");
    const names = readdirSync(RELEASE).filter((name) => name.startsWith("luciole-"));
    expect(sums.toSorted()).toEqual(names.map((name) => `${name}: OK`).toSorted());

    const archive = names.find((name) => name.endsWith("-linux-x64.tar.gz"));
    const folder = mkdtempSync(join(tmpdir(), "luciole-release-"));
    try {
      run(["tar", "-xzf", join(RELEASE, archive ?? "none")], folder);
      const [unpacked] = readdirSync(folder);
      expect(archive).toBe(`${unpacked}.tar.gz`);
      expect(readdirSync(join(folder, unpacked)).toSorted()).toEqual([
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "luciole",
      ]);
      const version = run(["./luciole", "version"], join(folder, unpacked));
      expect(`luciole-${version.split(" ")[1]}-linux-x64`).toBe(unpacked);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  LIMIT_MS,
);

test("release refuses a platform that it does not know", () => {
  const { exitCode, stderr } = Bun.spawnSync([join(ROOT, "scripts/release"), "plan9"]);
  expect([exitCode, stderr.toString()]).toEqual([2, expect.stringMatching(/^usage: scripts\/release/)]);
});
