// One hot list goes cold, and everybody wants it: each round is a write, then many reads of the list at the same moment.
// All of them must contain the write, and one of them reads the database for all.
import { check } from 'k6';
import { Counter } from 'k6/metrics';
import exec from 'k6/execution';
import { count, params, together, write } from './lib/api.js';
import { BASES, calendars, lasting, scaled } from './lib/env.js';
import { FEW_STATEMENTS, QUICK, STATS } from './lib/kpis.js';

export { handleSummary } from './lib/summary.js';

const READERS = Math.max(20, scaled(500));
const rounds = new Counter('rounds');
const stale = new Counter('stale_reads');

export const options = {
  scenarios: { stampede: { executor: 'constant-vus', vus: 1, duration: lasting(60) } },
  batch: READERS,
  batchPerHost: READERS,
  thresholds: {
    http_req_failed: ['rate<0.01'],
    checks: ['rate==1'],
    stale_reads: ['count==0'],
    rounds: ['count>0'],
    'http_req_duration{route:hot_list}': QUICK,
    'sql_statements{kind:read}': FEW_STATEMENTS,
  },
  summaryTrendStats: STATS,
};

// A minute in which nothing else happens, series that go on for ever included: what is looked for is on the first page.
const START = { date_time: '2031-05-10T03:33:00', time_zone: 'UTC' };
const WINDOW = 'from=2031-05-10T03:32:30Z&to=2031-05-10T03:33:30Z&limit=500';
const { id, token } = calendars[0];
const LIST = `/api/calendars/${id}/events?${WINDOW}`;

export function setup() {
  const body = { calendar_id: id, title: 'hot', start: START };
  return { event: JSON.parse(String(write('create_event', 'POST', '/api/events', token, body, 201).body)).id };
}

/** @param {{ event: string }} data */
export default function ({ event }) {
  const title = `round ${exec.scenario.iterationInTest}`;
  write('update_event', 'PATCH', `/api/events/${event}`, token, { title }, 200);
  const one = { method: 'GET', url: BASES[0] + LIST, params: params('hot_list', 'read', token) };
  for (const response of together(Array(READERS).fill(one))) {
    count(response, 'hot_list', 'read');
    const fresh = String(response.body).includes(`"${title}"`);
    check(response, { '200': (r) => r.status === 200 });
    stale.add(fresh ? 0 : 1);
  }
  rounds.add(1);
}
