/** What the DuckDB programs share: a database on all cores, lines of a file as rows, csv as output. */
import { availableParallelism } from "node:os";
import { DuckDBInstance } from "@duckdb/node-api";

/** Order does not matter where it is not asked for; keys of up to 2^22 integers are aggregated in plain arrays. */
export async function connect() {
  const threads = String(availableParallelism());
  const database = await DuckDBInstance.create(":memory:", { threads });
  const connection = await database.connect();
  await connection.run("SET preserve_insertion_order = false");
  await connection.run("SET perfect_ht_threshold = 22");
  return connection;
}

/** Each line of a file as the column `line`, read in parallel. */
export function linesOf(path) {
  return `read_csv('${path}', columns = {'line': 'VARCHAR'}, header = false, auto_detect = false,
    delim = '\\0', quote = '', escape = '', max_line_size = 10000000)`;
}

export function csvOf(path, columns, options = "header = true") {
  const types = Object.entries(columns).map(([name, type]) => `'${name}': '${type}'`);
  return `read_csv('${path}', columns = {${types.join(", ")}}, auto_detect = false, ${options})`;
}

export function copy(query, path, delimiter = ",") {
  return `COPY (${query}) TO '${path}' (FORMAT csv, DELIMITER '${delimiter}', HEADER false, QUOTE '')`;
}
