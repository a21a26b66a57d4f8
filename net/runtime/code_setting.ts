/**
 * LUCIOLE_CODE: whether this process runs generated loops or the general code behind them.
 *
 * For finding out whether generated code is to blame; results are the same.
 */
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import { useGeneratedCode } from "../../core/generated_code.ts";

export const CODE_VARIABLE = "LUCIOLE_CODE";

/** @throws {LucioleError} code "usage" when the variable is neither "generated" nor "general". */
export function applyCodeSetting(): void {
  const value = process.env[CODE_VARIABLE];
  if (value !== undefined && value !== "" && value !== "generated" && value !== "general") {
    throw new LucioleError(
      "usage",
      `Cannot read ${CODE_VARIABLE}: expected "generated" or "general", got "${value}"`,
    );
  }
  useGeneratedCode(value !== "general");
}
