/** Drawings and texts of plans: labels are escaped, boxes do not overlap, arrows point down. */
import { describe, expect, test } from "bun:test";
import type { FlowBuilder } from "../../../core/graph/builder.ts";
import { explainPlan } from "../../../core/plan/explain.ts";
import { layOut } from "../../../core/plan/layered.ts";
import { plotPlan } from "../../../core/plan/plot.ts";
import { drawSvg } from "../../../core/plan/plot_svg.ts";
import { DatasetRef } from "../../../core/program/dataset_ref.ts";
import { planned } from "./planned.ts";

const NASTY = `<b>&"quoted"\\n\n'; ]end`;

const nasty = (f: FlowBuilder) =>
  f
    .text("in")
    .map((line) => line)
    .name(NASTY)
    .countByValue();

/** Checks that tags are nested and closed, and text holds no bare marks. */
function checkXml(xml: string): void {
  const open: string[] = [];
  const rest = xml.replace(
    /<(\/?)([a-zA-Z]+)((?:\s[\w-]+(?::\w+)?="[^"<]*")*)\s*(\/?)>/g,
    (_, end, name, __, empty) => {
      if (end === "/") expect(open.pop()).toBe(name);
      else if (empty === "") open.push(name);
      return "";
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot|apos);)/);
}

describe("plotPlan()", () => {
  const { graph, plan } = planned(nasty);

  test("escapes labels for XML when names hold marks", () => {
    const svg = plotPlan(graph, plan, "svg");
    checkXml(svg);
    expect(svg).toContain("&lt;b&gt;&amp;&quot;quoted&quot;");
  });

  test("escapes labels for DOT when names hold quotes, backslashes and line ends", () => {
    const dot = plotPlan(graph, plan, "dot");
    const outside = dot.replace(/"(?:[^"\\\n]|\\.)*"/g, "S");
    expect(outside).not.toMatch(/["\\]/);
    expect(outside).toMatch(
      /^digraph S \{\n {2}node \[shape=box, fontname=monospace\];\n( {2}g\d \[label=S(, peripheries=2)?\];\n)+( {2}g\d -> g\d \[label=S\];\n)+\}\n$/,
    );
  });

  test("escapes labels for Mermaid when names hold quotes and brackets", () => {
    const mermaid = plotPlan(graph, plan, "mermaid");
    for (const line of mermaid.trim().split("\n").slice(1)) {
      expect(line).toMatch(/^ {2}g\d(\["[\w .,:/→()#;<>-]*"\]| -->\|"[\w .,:/→()#;-]*"\| g\d)$/);
      expect(line.replaceAll("<br/>", "").replace("-->", "")).not.toMatch(/[<>]/);
    }
  });

  test("draws datasets of the job as boxes of their own", () => {
    const input = new DatasetRef<string>({ id: "e1-0", shards: 2, rows: 1, bytes: 1 });
    const drawn = planned((f) => f.from(input).union(f.from(input)));
    const dot = plotPlan(drawn.graph, drawn.plan, "dot");
    expect(dot.match(/dataset e1-0/g)).toHaveLength(1);
    expect(dot.match(/d0 -> g0/g)).toHaveLength(2);
  });
});

describe("drawSvg()", () => {
  test("puts boxes side by side or in lower layers, and draws nothing of nothing", () => {
    const box = (id: string) => ({ id, title: id.repeat(9), lines: ["x", "longer line"], isOutput: false });
    const arrow = (from: string, to: string) => ({ from, to, label: "" });
    const svg = drawSvg("t", {
      boxes: ["a", "b", "c", "d"].map(box),
      arrows: [arrow("a", "c"), arrow("b", "c"), arrow("a", "d"), arrow("c", "d")],
    });
    const rects = [
      ...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g),
    ].map(([, ...numbers]) => numbers.map(Number));
    const [a, b, c, d] = rects;
    expect(a[1]).toBe(b[1]);
    expect(b[0]).toBeGreaterThan(a[0] + a[2]);
    expect(c[1]).toBeGreaterThan(a[1] + a[3]);
    expect(d[1]).toBeGreaterThan(c[1] + c[3]);
    checkXml(drawSvg("t", { boxes: [], arrows: [] }));
  });
});

test("drawSvg() draws labels after boxes and over no box or other label, and cuts long lines", () => {
  const box = (id: string) => ({ id, title: id, lines: ["l".repeat(200)], isOutput: false });
  const from = Array.from({ length: 6 }, (_, i) => `s${i}`);
  const svg = drawSvg("t", {
    boxes: [...from, "middle", "end"].map(box),
    arrows: [
      ...from.flatMap((id) => [
        { from: id, to: "middle", label: "shard by shard" },
        { from: id, to: "end", label: "all to all" },
      ]),
      { from: "middle", to: "end", label: "by range" },
    ],
  });
  checkXml(svg);
  expect(svg.lastIndexOf("</g>")).toBeLessThan(svg.indexOf("paint-order"));
  const boxes = [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)];
  const labels = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)" text-anchor="middle".*?>([^<]*)</g)];
  const areas = [
    ...boxes.map(([, ...numbers]) => numbers.map(Number)),
    ...labels.map(([, x, y, text]) => [Number(x) - text.length * 3, Number(y) - 9, text.length * 6, 10]),
  ];
  expect(areas).toHaveLength(8 + 13);
  for (const [i, [x, y, width, height]] of areas.entries()) {
    for (const [x2, y2, width2, height2] of areas.slice(i + 1)) {
      expect(x < x2 + width2 && x2 < x + width && y < y2 + height2 && y2 < y + height).toBe(false);
    }
  }
  expect(Math.max(...areas.map(([, , width]) => width))).toBeLessThan(400);
});

describe("layOut()", () => {
  const sized = (id: string) => ({ id, width: 40, height: 20 });
  const link = (from: string, to: string) => ({ from, to });

  test("orders a layer by its inputs and leads long links past the boxes between", () => {
    const links = [link("a", "d"), link("b", "c"), link("c", "e"), link("d", "e"), link("a", "e")];
    const { corners, routes } = layOut(["a", "b", "c", "d", "e"].map(sized), links, 10);
    const [a, b, c, d] = corners;
    expect(Math.sign(a.x - b.x)).toBe(Math.sign(d.x - c.x));
    const [, , top, bottom] = routes[4];
    expect(top.x).toBe(bottom.x);
    for (const corner of [c, d]) {
      expect(corner.y).toBe(top.y);
      expect(top.x > corner.x - 1 && top.x < corner.x + 41).toBe(false);
    }
  });

  test("refuses links that point up or nowhere", () => {
    expect(() => layOut([sized("a")], [link("a", "a")], 0)).toThrow("Cannot lay out a to a: it points up");
    expect(() => layOut([sized("a")], [link("a", "z")], 0)).toThrow("there is no such box");
  });
});

describe("explainPlan()", () => {
  test("tells lines of the user, exchanges, estimates and what was left out", () => {
    const build = (f: FlowBuilder) => {
      const counts = f.text("in").countByValue();
      const groups = counts.groupByKey();
      return groups;
    };
    const { graph, plan } = planned(build);
    const text = explainPlan(graph, plan);
    expect(text).toStartWith('Flow "test": 2 groups, 7 tasks\n\nGroup 0: 3 tasks, about 20 MiB out\n');
    expect(text).toMatch(
      / {4}text in +\S*plot_test.ts:\d+\n {4}countByValue \(partial\) +\S*plot_test.ts:\d+\n/,
    );
    expect(text).toContain("then partition by hash of the key into 4\n  note: combined before the exchange");
    expect(text).toContain("reads group 0 (by key)");
    expect(text).toContain("then store, an output of the flow\n  note: no exchange for groupByKey");
  });
});
