/** W2 in Polars. */
import pl from "nodejs-polars";
import { linesOf, OUTPUT } from "./files.mjs";

const [input, output] = process.argv.slice(2);
linesOf(input)
  .withColumns(pl.col("line").str.slice(0, 10).alias("key"))
  .sort("key")
  .select("line")
  .sinkCSV(output, { ...OUTPUT, maintainOrder: true })
  .collectSync("streaming");
