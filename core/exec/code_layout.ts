/**
 * Lays generated code out for people: one statement a line, blocks indented.
 *
 * It knows strings and brackets, no grammar.
 */

const INDENT = "  ";
const CLOSING = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
]);

/** The same code, laid out. */
export function tidyCode(source: string): string {
  const lines: string[] = [];
  let line = "";
  let depth = 0;
  /** Brackets that are open and do not hold statements. */
  const inner: string[] = [];
  const close = (): void => {
    const text = line.trim();
    line = "";
    if (text !== "") lines.push(INDENT.repeat(Math.max(0, depth - (text.startsWith("}") ? 1 : 0))) + text);
  };
  for (const token of tokensOf(source)) {
    if (inner.length > 0 && CLOSING.get(inner.at(-1) ?? "") === token) {
      inner.pop();
      line += token;
      continue;
    }
    if (token === "}" && inner.length === 0) {
      close();
      line = token;
      close();
      depth--;
      continue;
    }
    if (token === "\n") {
      if (inner.length === 0) close();
      else line += " ";
      continue;
    }
    const isValue = token === "{" && /(?:[=(,[]|\bconst|\blet|\breturn)\s*$/.test(line);
    if (token === "(" || token === "[" || isValue) inner.push(token);
    line += token;
    if (inner.length > 0) continue;
    if (token === "{") {
      close();
      depth++;
    } else if (token === ";") close();
  }
  close();
  return joined(lines).join("\n");
}

/** Strings and runs of blanks are one token each; everything else is a character. */
function tokensOf(source: string): string[] {
  const tokens = source.match(/"(?:[^"\\]|\\.)*"|[^\S\n]+|[\s\S]/g) ?? [];
  return tokens.map((token) => (/^[^\S\n]+$/.test(token) ? " " : token));
}

/** What goes on behind a closing bracket is put beside it. */
function joined(lines: readonly string[]): string[] {
  const out: string[] = [];
  for (const line of lines) {
    const text = line.trim();
    const last = out.at(-1);
    if (last?.trim() === "}" && /^(?:else\b|catch\b|finally\b|;|,|\))/.test(text)) {
      out[out.length - 1] = `${last}${/^[;,)]/.test(text) ? "" : " "}${text}`;
    } else out.push(line);
  }
  return out;
}
