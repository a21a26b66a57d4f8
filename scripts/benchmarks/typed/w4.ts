/** W4 by hand on one thread: edges and ranks in arrays by the number of the node. */
import { NumberReader, Output, readChunks } from "./chunks.ts";

const [input = "", output = ""] = process.argv.slice(2);
const reader = new NumberReader();
let sources = new Uint32Array(1 << 20);
let targets = new Uint32Array(1 << 20);
let edges = 0;
let nodes = 0;
readChunks(input, (bytes, length) => {
  for (let at = 0; at < length; at = reader.end + 1) {
    if (edges === sources.length) {
      sources = enlarged(sources);
      targets = enlarged(targets);
    }
    const source = reader.integer(bytes, at);
    const target = reader.integer(bytes, reader.end + 1);
    sources[edges] = source;
    targets[edges++] = target;
    nodes = Math.max(nodes, source + 1, target + 1);
  }
});
const degrees = new Uint32Array(nodes);
for (let i = 0; i < edges; i++) degrees[sources[i]]++;
const shares = new Float64Array(nodes);
for (let node = 0; node < nodes; node++) shares[node] = 1 / degrees[node];
const sums = new Float64Array(nodes);
for (let iteration = 0; iteration < 10; iteration++) {
  sums.fill(0);
  for (let i = 0; i < edges; i++) sums[targets[i]] += shares[sources[i]];
  for (let node = 0; node < nodes; node++) shares[node] = (0.15 + 0.85 * sums[node]) / degrees[node];
}
const text = new Output(output);
const encoder = new TextEncoder();
for (let node = 0; node < nodes; node++) {
  if (degrees[node] === 0) continue;
  text.reserve(64);
  const line = `${node},${shares[node] * degrees[node]}\n`;
  text.length += encoder.encodeInto(line, text.bytes.subarray(text.length)).written;
}
text.close();

function enlarged(old: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * old.length);
  larger.set(old);
  return larger;
}
