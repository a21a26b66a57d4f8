/**
 * W1 in SQL. Splitting by one character takes half the time of a regular expression, which is left to
 * the lines that hold other white space than blanks.
 */
import { connect, copy, linesOf } from "./database.mjs";

const [input, output] = process.argv.slice(2);
const connection = await connect();
const others = [9, 11, 12, 13].map((code) => `contains(line, chr(${code}))`).join(" OR ");
const words = `CASE WHEN ${others} THEN string_split_regex(line, '\\s+') ELSE string_split(line, ' ') END`;
const query = `SELECT word, count(*) FROM (SELECT unnest(${words}) AS word FROM ${linesOf(input)})
  WHERE word <> '' GROUP BY word`;
await connection.run(copy(query, output, "\t"));
