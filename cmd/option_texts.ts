/**
 * Options that come from a table of settings: added to a command, and read back as texts by name.
 */
import { Option } from "@commander-js/extra-typings";
import type { Setting, SettingTexts } from "../core/cluster/settings.ts";

/** What help shows of a setting. */
export interface OptionSpec extends Pick<Setting<unknown>, "name" | "value" | "text"> {
  readonly default?: string;
  /** For short: `-f`. */
  readonly letter?: string;
}

/** A command, whatever its arguments are. */
export interface OptionHolder {
  addOption(option: Option): unknown;
  opts(): object;
}

export function addOptions(command: OptionHolder, specs: readonly OptionSpec[]): void {
  for (const spec of specs) {
    const text = spec.default === undefined ? spec.text : `${spec.text} (default: ${spec.default})`;
    const value = spec.value === undefined ? "" : ` <${spec.value}>`;
    const letter = spec.letter === undefined ? "" : `-${spec.letter}, `;
    command.addOption(new Option(`${letter}--${spec.name}${value}`, text));
  }
}

/** The texts that were given; "true" for those without a value. */
export function readOptions(command: OptionHolder, specs: readonly OptionSpec[]): SettingTexts {
  const given = new Map<string, unknown>(Object.entries(command.opts()));
  const texts: Record<string, string> = {};
  for (const { name } of specs) {
    const value = given.get(new Option(`--${name}`).attributeName());
    // To commander `--no-wait` is a `wait` that is false.
    const isNegation = name.startsWith("no-");
    if (value === undefined || (isNegation && value === true)) continue;
    texts[name] = isNegation ? "true" : String(value);
  }
  return texts;
}
