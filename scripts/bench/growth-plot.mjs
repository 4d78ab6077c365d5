// Curves of ./dev bench growth as SVG: reads lines of `question, events, blocks, microseconds of CPU` (tab-separated) and
// writes two charts side by side, both axes logarithmic: where a curve is flat, size costs nothing. Colours and greys are
// such that it can be read on white and on black.
import { readFileSync } from "node:fs";

const rows = readFileSync(0, "utf8").trim().split("\n").map((line) => line.split("\t"));
const curves = new Map();
for (const [question, events, blocks, micros] of rows) {
  if (!curves.has(question)) curves.set(question, []);
  curves.get(question).push({ events: +events, blocks: +blocks, micros: +micros });
}
const names = [...curves.keys()];
// Okabe and Ito's colours, told apart by people who see fewer of them; dashes and marks tell the rest.
const colours = ["#1f83d0", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#e69f00", "#8c8c8c", "#d64545"];
const dashes = ["", "7 3", "2 3"];
const style = (n) => `stroke="${colours[n % colours.length]}" stroke-dasharray="${dashes[Math.floor(n / 3) % dashes.length]}"`;

const wide = 330, high = 300, left = 70, top = 50, gap = 100;
const text = (x, y, words, more = "") => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${words}</text>`;
const short = (n) => (n >= 1e6 ? `${n / 1e6} M` : n >= 1e3 ? `${n / 1e3} k` : `${n}`);
const decades = (low, most) => {
  const ticks = [];
  for (let at = Math.floor(Math.log10(low)); at <= Math.ceil(Math.log10(most)); at++) ticks.push(10 ** at);
  return ticks;
};

function chart(x0, title, unit, of) {
  const points = [...curves.values()].flat();
  const xs = [...new Set(points.map((point) => point.events))];
  const ys = decades(Math.min(...points.map(of)), Math.max(...points.map(of)));
  const along = (value, from, to, length) => ((Math.log10(value) - Math.log10(from)) / (Math.log10(to) - Math.log10(from) || 1)) * length;
  const x = (events) => x0 + 15 + along(events, xs[0], xs.at(-1), wide - 30);
  const y = (value) => top + high - along(value, ys[0], ys.at(-1), high);
  const out = [text(x0 + wide / 2, top - 22, title, 'text-anchor="middle" font-weight="bold"')];
  for (const tick of ys) {
    out.push(`<path class="grid" d="M${x0} ${y(tick).toFixed(1)}h${wide}"/>`);
    out.push(text(x0 - 8, y(tick) + 4, short(tick), 'text-anchor="end"'));
  }
  for (const tick of xs) out.push(text(x(tick), top + high + 20, short(tick), 'text-anchor="middle"'));
  out.push(text(x0 + wide / 2, top + high + 42, "events in the database", 'text-anchor="middle"'));
  const middle = top + high / 2;
  out.push(text(x0 - 50, middle, unit, `text-anchor="middle" transform="rotate(-90 ${x0 - 50} ${middle})"`));
  out.push(`<path class="axis" d="M${x0} ${top}v${high}h${wide}"/>`);
  names.forEach((name, n) => {
    const line = curves.get(name).map((point) => [x(point.events).toFixed(1), y(of(point)).toFixed(1)]);
    out.push(`<polyline points="${line.map((point) => point.join(",")).join(" ")}" ${style(n)}/>`);
    for (const [cx, cy] of line) out.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colours[n % colours.length]}"/>`);
  });
  return out.join("\n");
}

const second = left + wide + gap;
const legend = names.map((name, n) => {
  const [x, y] = [left + (n % 2) * (wide + gap), top + high + 74 + Math.floor(n / 2) * 22];
  return `<path d="M${x} ${y - 4}h36" fill="none" stroke-width="2" ${style(n)}/>\n${text(x + 46, y, name)}`;
});
const [width, height] = [second + wide + 30, top + high + 74 + Math.ceil(names.length / 2) * 22];
console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="What a request costs as the database grows">
<style>
text { font: 13px system-ui, sans-serif; fill: #707070 }
.grid { stroke: #80808055; fill: none }
.axis { stroke: #808080; fill: none }
polyline { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: light) { text { fill: #333 } }
@media (prefers-color-scheme: dark) { text { fill: #ccc } }
</style>
${chart(left, "CPU of PostgreSQL and koyomi", "microseconds for a request", (point) => point.micros)}
${chart(second, "Blocks looked at", "blocks of 8 KB for a request", (point) => point.blocks)}
${legend.join("\n")}
</svg>`);
