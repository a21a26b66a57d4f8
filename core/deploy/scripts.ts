/**
 * The shell scripts that `luciole deploy` runs on a host, for any POSIX shell.
 *
 * They answer with lines of `name=value`. Values are quoted, never spliced in as they are.
 */

/** Names of files in the directory of a deployment. */
export const EXECUTABLE = "bin/luciole";
/** How long a role may take until it listens, and to end. */
const START_TENTHS = 300;
const STOP_TENTHS = 150;

export interface DeployedRole {
  readonly role: "master" | "agent";
  readonly args: readonly string[];
  /** Of everything that it was started with: another one means that it is started anew. */
  readonly stamp: string;
}

/**
 * Makes the directory, and tells of the host: system, machine, sha (of the executable there; may be empty), and for
 * master and agent the stamp of the one that runs.
 */
export function probeScript(directory: string): string {
  return `${inDirectory(directory, true)}
mkdir -p bin
chmod 700 . bin
echo "system=$(uname -s)"
echo "machine=$(uname -m)"
echo "sha=$({ sha256sum ${EXECUTABLE} || shasum -a 256 ${EXECUTABLE}; } 2>/dev/null | cut -d' ' -f1)"
${FUNCTIONS}
for role in master agent; do
  use $role
  if isAlive; then echo "$role=$(cat "$own.stamp" 2>/dev/null)"; fi
done
`;
}

interface SentFile {
  readonly name: string;
  readonly mode: string;
}

/** Puts files in place that came under the name `FILE.SUFFIX`. */
export function placeScript(directory: string, suffix: string, files: readonly SentFile[]): string {
  const lines = files.map(({ name, mode }) => {
    const came = quote(`${name}.${suffix}`);
    return `chmod ${mode} ${came} && mv -f ${came} ${quote(name)}`;
  });
  return `${inDirectory(directory, false)}\nset -e\n${lines.join("\n")}\n`;
}

/** Deletes what came of such files. */
export function forgetScript(directory: string, suffix: string, files: readonly SentFile[]): string {
  const names = files.map(({ name }) => quote(`${name}.${suffix}`));
  return `${inDirectory(directory, false)}\nrm -f ${names.join(" ")}\n`;
}

/**
 * Starts a role unless it runs as it is to be. While it starts its command line may be that of the shell still, and once
 * it has ended its id is kept for the shell, until `jobs` looks.
 *
 * The script tells `state` (running, started, failed, silent), and `why` it failed.
 */
export function startScript(directory: string, { role, args, stamp }: DeployedRole): string {
  const command = [`./${EXECUTABLE}`, "--role", role, ...args].map(quote).join(" ");
  // A flag, should there be one, wins over it.
  const place = 'LUCIOLE_DATA_DIR="data-$host"';
  return `${inDirectory(directory, false)}
${FUNCTIONS}
use ${role}
if isAlive; then
  if [ "$(cat "$own.stamp" 2>/dev/null)" = ${quote(stamp)} ]; then
    echo state=running
    exit 0
  fi
  stop
fi
[ ! -f "$own.log" ] || mv -f "$own.log" "$own.log.1"
: >"$own.log"
if command -v setsid >/dev/null 2>&1; then
  ${place} setsid nohup ${command} >"$own.log" 2>&1 </dev/null &
else
  ${place} nohup ${command} >"$own.log" 2>&1 </dev/null &
fi
started=$!
echo $started >"$own.pid"
echo ${quote(stamp)} >"$own.stamp"
tenths=0
while [ $tenths -lt ${START_TENTHS} ]; do
  if grep -q 'listens on' "$own.log"; then
    echo state=started
    exit 0
  fi
  jobs >/dev/null 2>&1
  if ! kill -0 $started 2>/dev/null; then
    echo state=failed
    echo "why=$({ grep '^error: ' "$own.log" || grep -v '^nohup: ' "$own.log"; } | head -n 1)"
    rm -f "$own.pid" "$own.stamp"
    exit 0
  fi
  sleep 0.1
  tenths=$((tenths + 1))
done
echo state=silent
`;
}

/** Ends the roles of a deployment; tells for each of them `stopped` or `none`. */
export function stopScript(directory: string): string {
  return `${inDirectory(directory, false, "echo agent=none; echo master=none; exit 0")}
${FUNCTIONS}
for role in agent master; do
  use $role
  if isAlive; then
    stop
    echo "$role=stopped"
  else
    echo "$role=none"
  fi
  rm -f "$own.pid" "$own.stamp"
done
`;
}

/** The `name=value` lines of an answer. */
export function readAnswer(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n").map((line) => /^(\w+)=(.*?)\r?$/.exec(line));
  return new Map(lines.flatMap((match) => (match === null ? [] : [[match[1] ?? "", match[2] ?? ""]])));
}

/** One word for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function inDirectory(directory: string, isMade: boolean, otherwise = "exit 1"): string {
  const path = quote(directory);
  const make = isMade ? `mkdir -p ${path} && ` : "";
  return `umask 077\ncd "$HOME" && ${make}cd ${path} 2>/dev/null || { ${otherwise}; }`;
}

/**
 * Hosts may share the directory, as homes often are: what is of one host has its name. A process id may be another
 * process's by now: the command line tells.
 */
const FUNCTIONS = `host=$(uname -n)
use() {
  role=$1
  own=$1-$host
}
isAlive() {
  pid=$(cat "$own.pid" 2>/dev/null) || return 1
  kill -0 "$pid" 2>/dev/null || return 1
  if [ -r "/proc/$pid/cmdline" ]; then
    tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -q -e "--role $role"
  else
    ps -p "$pid" -o args= 2>/dev/null | grep -q -e "--role $role"
  fi
}
stop() {
  kill "$pid" 2>/dev/null
  tenths=0
  while isAlive && [ $tenths -lt ${STOP_TENTHS} ]; do
    sleep 0.1
    tenths=$((tenths + 1))
  done
  ! isAlive || kill -9 "$pid" 2>/dev/null
}`;
