// The promises that runs are held to, each written once. Times are milliseconds.

import { scaled } from './env.js';

/** @typedef {Record<string, string[]>} Thresholds */

/** A request may be slow once in twenty times, and very slow once in a hundred. */
export const QUICK = ['p(95)<200', 'p(99)<500'];
/** The objective of a service that is not overloaded. */
export const OBJECTIVE = ['p(50)<50', 'p(99)<200'];
/** Statements for an answer, nested or not, the head check included. */
export const FEW_STATEMENTS = ['max<=5'];

/**
 * What holds for every run that only reads and writes what exists; `times` for all requests and for each route.
 * @param {string[]} routes
 * @param {string[]} [times]
 * @returns {Thresholds}
 */
export function kpis(routes, times = QUICK) {
  /** @type {Thresholds} */
  const thresholds = {
    http_req_failed: ['rate<0.01'],
    checks: ['rate>0.99'],
    http_req_duration: times,
    'sql_statements{kind:read}': FEW_STATEMENTS,
    sql_statements: ['avg<=5'],
  };
  for (const route of routes) thresholds[`http_req_duration{route:${route}}`] = times;
  for (const route of routes) thresholds[`sql_statements{route:${route}}`] = ['avg<=5'];
  return thresholds;
}

/** Answers that took no statement but the head check. @type {Thresholds} */
export const CACHED = { cached_answers: ['rate>0.8'] };

/**
 * What the servers tell after a run: share of the values used that the database was not read for, share of statements above
 * 100 ms, share of the machine's CPU that PostgreSQL took, megabytes of an instance at its largest, cached values that were
 * not what the database has.
 * @type {Thresholds}
 */
const SERVER = {
  server_hit_ratio: ['value>0.8'],
  server_slow_statements: ['value<0.01'],
  server_db_cpu: ['value<0.6'],
  server_memory_mb: ['value<500'],
  server_mismatches: ['value==0'],
};

/**
 * Scenarios whose reads follow a write each: there is no ratio to promise. With a cold key, what counts is that each
 * write is followed by one fill, whoever asks.
 * @type {Record<string, Thresholds>}
 */
const INSTEAD = {
  // As fast as they can: what the database gives is what they take.
  booking: { server_hit_ratio: [], server_db_cpu: [] },
  freshness: { server_hit_ratio: [], server_db_cpu: [] },
  subscriptions: { server_hit_ratio: [] },
  // Its files are its connections, and a few more.
  limit: { server_connections: [`value>=${scaled(10000)}`] },
  stampede: { server_hit_ratio: [], server_page_fills_per_round: ['value<=1'] },
};

/**
 * @param {string} scenario
 * @returns {Thresholds}
 */
export function serverKpis(scenario) {
  const all = { ...SERVER, ...INSTEAD[scenario] };
  return Object.fromEntries(Object.entries(all).filter(([, held]) => held.length));
}

/** Numbers that a summary shows of every distribution. */
export const STATS = ['avg', 'min', 'med', 'p(50)', 'p(90)', 'p(95)', 'p(99)', 'max', 'count'];
