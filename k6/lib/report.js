// The part of the report that k6's dashboard does not know: what was promised, what was kept, what the servers took.

/**
 * @typedef {object} Held
 * @property {boolean} ok
 * @property {string} metric
 * @property {string} threshold
 * @property {number | undefined} value
 */

/** @param {unknown} text */
const escaped = (text) => String(text).replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
/** @param {unknown} value */
const shown = (value) => (typeof value === 'number' ? Math.round(value * 1000) / 1000 : value ?? 'nothing was measured');
/** @param {unknown[]} cells */
const row = (...cells) => `<tr>${cells.map((cell) => `<td style="padding:2px 16px 2px 0">${escaped(shown(cell))}</td>`).join('')}</tr>`;

/**
 * HTML to be put at the end of the dashboard's report.
 * @param {{ scenario: string, scale: number, passed: boolean, thresholds: Held[], server: object }} run
 */
export function section(run) {
  const thresholds = run.thresholds.map(({ ok, metric, threshold, value }) => row(ok ? 'kept' : 'NOT KEPT', metric, threshold, value));
  const server = Object.entries(run.server).map(([name, value]) => row(name, value));
  return `<section style="font:14px system-ui,sans-serif;padding:24px;max-width:1100px;margin:auto">
<h2>koyomi: ${escaped(run.scenario)}, ${run.passed ? 'all thresholds kept' : 'NOT all thresholds kept'}</h2>
<p>${escaped(run.scale)} of the nominal load.</p>
<h3>Thresholds</h3><table>${thresholds.join('')}</table>
<h3>Servers</h3><table>${server.join('')}</table>
</section>`;
}
