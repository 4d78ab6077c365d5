// Run after a scenario: holds what the servers say of it to its thresholds, and writes the summary of the whole run.
// Beside it lie k6.json, server.json, before-N and after-N (/metrics of each instance).
import { Gauge } from 'k6/metrics';
import { BASES, OUT, SCALE, SCENARIO, TIME } from './env.js';
import { serverKpis } from './kpis.js';
import { sum } from './prometheus.js';
import { section } from './report.js';
import { held, lines } from './summary.js';

/** @typedef {import('./summary.js').Summary} Summary */
/**
 * @typedef {object} Server
 * @property {string} commit
 * @property {string} began
 * @property {number} seconds
 * @property {number} cores
 * @property {number} statements that PostgreSQL ran, those of nobody's request included
 * @property {number} slow of them above 100 ms
 * @property {number} dbCpu seconds
 * @property {number} serverCpu seconds, of all instances
 * @property {number} redisCpu seconds
 * @property {number} memory MB, of the largest instance at its largest
 * @property {number} connections open files of the instance that had most, at most
 */

/** @type {Server} */
const server = JSON.parse(open(`${OUT}/server.json`));
/** @type {Summary} */
const client = JSON.parse(open(`${OUT}/k6.json`));
const report = open(`${OUT}/report.html`);
const texts = BASES.map((_, n) => [open(`${OUT}/before-${n}`), open(`${OUT}/after-${n}`)]);

/**
 * How far a counter went, of all instances.
 * @param {string} name
 * @param {string[]} labels
 */
const went = (name, ...labels) =>
  texts.reduce((total, [before, after]) => total + sum(after, name, ...labels) - sum(before, name, ...labels), 0);

const value = (/** @type {string} */ metric, /** @type {string} */ stat) => client.metrics[metric]?.values[stat] || 0;
const requests = value('http_reqs', 'count');

const ratio = (/** @type {number} */ part, /** @type {number} */ rest) => (part + rest ? part / (part + rest) : 0);

/** @type {Record<string, number>} */
const found = {
  // Fills, not misses: an answer that is not there, and then each of its parts, is a miss, and only fills read the database.
  server_hit_ratio: ratio(went('koyomi_cache_hits_total'), went('koyomi_cache_fills_total')),
  server_misses: went('koyomi_cache_misses_total'),
  server_slow_statements: server.statements ? server.slow / server.statements : 0,
  server_db_cpu: server.dbCpu / server.seconds / server.cores,
  server_memory_mb: server.memory,
  server_mismatches: went('koyomi_cache_mismatches_total'),
  server_page_fills_per_round: went('koyomi_cache_fills_total', 'family="page"') / (value('rounds', 'count') || 1),
  server_statements_per_request: value('sql_statements', 'avg'),
  server_statements_of_all_per_request: requests ? server.statements / requests : 0,
  server_cpu_us_per_request: requests ? (server.serverCpu * 1e6) / requests : 0,
  server_db_cpu_us_per_request: requests ? (server.dbCpu * 1e6) / requests : 0,
  server_redis_cpu_us_per_request: requests ? (server.redisCpu * 1e6) / requests : 0,
  server_connections: server.connections,
};
const gauges = Object.fromEntries(Object.keys(found).map((name) => [name, new Gauge(name)]));

export const options = { vus: 1, iterations: 1, thresholds: serverKpis(SCENARIO) };

export default function () {
  for (const [name, gauge] of Object.entries(gauges)) gauge.add(found[name]);
}

/** @param {Summary} data */
export function handleSummary(data) {
  const all = [...held(client), ...held(data)];
  const summary = {
    scenario: SCENARIO,
    scale: SCALE,
    time: TIME,
    passed: all.every(({ ok }) => ok),
    requests,
    requestsPerSecond: value('http_reqs', 'rate'),
    server: { ...server, ...found },
    thresholds: all,
    metrics: client.metrics,
  };
  return {
    [`${OUT}/summary.json`]: JSON.stringify(summary, null, 2),
    [`${OUT}/report.html`]: report.replace('</body>', `${section(summary)}</body>`),
    stdout: `${lines(data).join('\n')}\n`,
  };
}
