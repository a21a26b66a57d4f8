/** W1 in Polars, streaming; it splits at blanks only, which is all the white space in the data but line ends. */
import pl from "nodejs-polars";
import { linesOf, OUTPUT } from "./files.mjs";

const [input, output] = process.argv.slice(2);
linesOf(input)
  .select(pl.col("line").str.split(" ").alias("word"))
  .explode("word")
  .filter(pl.col("word").neq(pl.lit("")))
  .groupBy("word")
  .agg(pl.col("word").count().alias("n"))
  .sinkCSV(output, { ...OUTPUT, separator: "\t" })
  .collectSync("streaming");
