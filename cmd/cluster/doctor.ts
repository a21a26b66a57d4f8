/**
 * `luciole doctor`: checks a cluster as seen from this machine, one line each.
 */
import process from "node:process";
import type { ClientConfig } from "../../core/cluster/config.ts";
import { diagnose, diagnosisText } from "../../core/cluster/diagnosis.ts";
import { EXIT } from "../../core/program/exit_codes.ts";
import { examineCluster } from "../../net/driver/cluster/examine.ts";
import { PROTOCOL } from "../../net/protocol.ts";
import { printResult } from "../output.ts";
import { VERSION } from "../version.ts";

export async function doctor(config: ClientConfig, isJson: boolean): Promise<void> {
  const about = `protocol ${PROTOCOL}, ${process.platform}-${process.arch}`;
  const findings = diagnose({ version: VERSION, about, ...(await examineCluster(config)) });
  printResult(diagnosisText(findings), findings, isJson);
  if (findings.some(({ isOk }) => !isOk)) process.exitCode = EXIT.failed;
}
