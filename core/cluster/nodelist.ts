/**
 * Host lists as Slurm writes them: "node[01-03,7],login" is node01, node02, node03, node7, login.
 */
const MAX_HOSTS = 65_536;

/** The hosts in order; undefined for what is no such list. */
export function expandNodelist(text: string): readonly string[] | undefined {
  const hosts: string[] = [];
  for (const part of splitOutside(text.trim())) {
    const expanded = expandPart(part);
    if (expanded === undefined || hosts.length + expanded.length > MAX_HOSTS) return undefined;
    hosts.push(...expanded);
  }
  return hosts.length === 0 ? undefined : hosts;
}

/** At commas that are not within brackets. */
function splitOutside(text: string): readonly string[] {
  return text.match(/(?:[^,[\]]|\[[^[\]]*\])+|[^,]/g) ?? [];
}

function expandPart(part: string): readonly string[] | undefined {
  const match = /^([^[\]\s]*)\[([\d,-]+)\](.*)$/.exec(part);
  if (match === null) return /^[\w.-]+$/.test(part) ? [part] : undefined;
  const [, before = "", ranges = "", after = ""] = match;
  const ends = after === "" ? [""] : expandPart(`x${after}`)?.map((end) => end.slice(1));
  const numbers = expandRanges(ranges);
  if (ends === undefined || numbers === undefined) return undefined;
  return numbers.flatMap((number) => ends.map((end) => `${before}${number}${end}`));
}

/** "01-03,7": leading zeros stay. */
function expandRanges(text: string): readonly string[] | undefined {
  const numbers: string[] = [];
  for (const range of text.split(",")) {
    const [, from, to] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(range) ?? [];
    if (from === undefined) return undefined;
    const last = Number(to ?? from);
    if (last < Number(from) || last - Number(from) > MAX_HOSTS) return undefined;
    for (let number = Number(from); number <= last; number++) {
      numbers.push(String(number).padStart(from.length, "0"));
    }
  }
  return numbers;
}
