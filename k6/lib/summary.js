// The end of a run: k6.json for lib/judge.js, which adds what the servers say; and a line for each threshold.
import { OUT } from './env.js';

/**
 * @typedef {{ values: Record<string, number>, thresholds?: Record<string, { ok: boolean }> }} Metric
 * @typedef {{ metrics: Record<string, Metric> }} Summary
 */

/** @param {Summary} data */
export function handleSummary(data) {
  return { [`${OUT}/k6.json`]: JSON.stringify(data, null, 2), stdout: `${lines(data).join('\n')}\n` };
}

/**
 * `ok` or `FAILED`, the threshold, and the value it is held to.
 * @param {Summary} data
 */
export function lines(data) {
  return held(data).map(({ ok, metric, threshold, value }) => {
    const text = `${metric} ${threshold}`.padEnd(64);
    return `${ok ? 'ok    ' : 'FAILED'}  ${text}${value === undefined ? 'nothing was measured' : short(value)}`;
  });
}

/**
 * Every threshold with its value.
 * @param {Summary} data
 */
export function held(data) {
  return Object.entries(data.metrics).flatMap(([metric, { values, thresholds }]) =>
    Object.entries(thresholds || {}).map(([threshold, { ok }]) => ({
      ok,
      metric,
      threshold,
      value: values[/^[a-z]+(\([0-9.]+\))?/.exec(threshold)?.[0] || ''],
    })),
  );
}

/** @param {number} value */
const short = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 3 : 1));
