// Requests to koyomi, tagged by route and kind, with what the answer says of its SQL statements.
import http from 'k6/http';
import { check } from 'k6';
import { Rate, Trend } from 'k6/metrics';
import { BASES } from './env.js';

/** @typedef {'read' | 'write'} Kind */

const statements = new Trend('sql_statements');
const cached = new Rate('cached_answers');

/**
 * @param {string} route its name in the report: paths have ids in them
 * @param {Kind} kind
 * @param {string} token
 * @param {Record<string, string>} [headers]
 */
export const params = (route, kind, token, headers = {}) => ({
  tags: { name: route, route, kind },
  headers: { Authorization: `Bearer ${token}`, ...headers },
});

/**
 * Takes down how many statements the answer took (`Server-Timing: db;desc="queries=N"`).
 * @param {import('k6/http').Response} response
 * @param {string} route
 * @param {Kind} kind
 */
export function count(response, route, kind) {
  const found = /queries=(\d+)/.exec(response.headers['Server-Timing'] || '');
  if (!found) return;
  statements.add(Number(found[1]), { route, kind });
  // The head check is a statement; whatever was not in the cache takes more.
  if (kind === 'read') cached.add(Number(found[1]) <= 1, { route });
}

/**
 * Reads `path`; the answer has to be 200.
 * @param {string} route
 * @param {string} path
 * @param {string} token
 * @param {string} [base] which instance
 */
export function read(route, path, token, base = BASES[0]) {
  const response = http.get(base + path, params(route, 'read', token));
  count(response, route, 'read');
  check(response, { '200': (r) => r.status === 200 }, { route });
  return response;
}

/**
 * Sends `body` and expects `status`.
 * @param {string} route
 * @param {'POST' | 'PATCH'} method
 * @param {string} path
 * @param {string} token
 * @param {object} body
 * @param {number} status
 * @param {string} [base]
 */
export function write(route, method, path, token, body, status, base = BASES[0]) {
  const response = http.request(method, base + path, JSON.stringify(body), params(route, 'write', token, JSON_BODY));
  count(response, route, 'write');
  check(response, { 'written': (r) => r.status === status }, { route });
  return response;
}

/**
 * Sends all of them at the same moment, each over a connection of its own (`batch` and `batchPerHost` of the options).
 * @param {import('k6/http').ObjectBatchRequest[]} requests
 */
export const together = (requests) =>
  /** @type {import('k6/http').Response[]} */ (/** @type {unknown} */ (http.batch(requests)));

export const JSON_BODY = { 'Content-Type': 'application/json' };

/**
 * Asks a GraphQL question; it has to be answered without errors.
 * @param {string} route
 * @param {string} query
 * @param {object} variables
 * @param {string} token
 */
export function ask(route, query, variables, token) {
  const body = JSON.stringify({ query, variables });
  const response = http.post(`${BASES[0]}/graphql`, body, params(route, 'read', token, JSON_BODY));
  count(response, route, 'read');
  const answered = (/** @type {import('k6/http').RefinedResponse<any>} */ r) =>
    r.status === 200 && !String(r.body).includes('"errors":');
  check(response, { 'answered without errors': answered }, { route });
  return response;
}
