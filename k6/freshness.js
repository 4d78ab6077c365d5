// Written here, read there: what one instance has acknowledged, every other shows in its next answer, from hot lists, too.
import { Counter } from 'k6/metrics';
import exec from 'k6/execution';
import { read, write } from './lib/api.js';
import { BASES, calendars, lasting, scaled } from './lib/env.js';
import { kpis, STATS } from './lib/kpis.js';

export { handleSummary } from './lib/summary.js';

const stale = new Counter('stale_reads');
const pairs = new Counter('write_then_read');
const WRITERS = scaled(50);
/** They share four calendars, so that each list is asked for by many and changed by many. */
const shared = (/** @type {number} */ n) => calendars[n % Math.min(4, calendars.length)];
// A minute in which nothing else happens, series that go on for ever included: what is looked for is on the first page.
const START = { date_time: '2031-05-10T03:33:00', time_zone: 'UTC' };
const WINDOW = 'from=2031-05-10T03:32:30Z&to=2031-05-10T03:33:30Z&limit=500';
const ROUTES = ['update_event', 'fresh_event', 'fresh_list'];

export const options = {
  scenarios: { freshness: { executor: 'constant-vus', vus: WRITERS, duration: lasting(60) } },
  thresholds: {
    ...kpis(ROUTES),
    stale_reads: ['count==0'],
    'stale_reads{route:fresh_list}': ['count==0'],
    'stale_reads{route:fresh_event}': ['count==0'],
    write_then_read: ['count>0'],
  },
  summaryTrendStats: STATS,
};

/** An event for each writer, all on one page. */
export function setup() {
  if (BASES.length < 2) exec.test.abort('freshness needs two instances in BASE_URLS');
  return Array.from({ length: WRITERS }, (_, n) => {
    const { id, token } = shared(n);
    const body = { calendar_id: id, title: 'new', start: START };
    return JSON.parse(String(write('create_event', 'POST', '/api/events', token, body, 201).body)).id;
  });
}

/** @param {string[]} events */
export default function (events) {
  const n = exec.vu.idInTest - 1;
  const { id, token } = shared(n);
  const list = `/api/calendars/${id}/events?${WINDOW}`;
  const title = `writer ${n}, ${exec.vu.iterationInScenario}`;
  const here = exec.vu.iterationInScenario % BASES.length;
  const there = BASES[(here + 1) % BASES.length];
  // What the other instance has of it now is old in a moment.
  read('fresh_list', list, token, there);
  read('fresh_event', `/api/events/${events[n]}`, token, there);
  const written = write('update_event', 'PATCH', `/api/events/${events[n]}`, token, { title }, 200, BASES[here]);
  if (written.status !== 200) return;
  pairs.add(1);
  const answers = /** @type {const} */ ([
    ['fresh_list', read('fresh_list', list, token, there)],
    ['fresh_event', read('fresh_event', `/api/events/${events[n]}`, token, there)],
  ]);
  for (const [route, answer] of answers) {
    if (answer.status === 200) stale.add(String(answer.body).includes(`"${title}"`) ? 0 : 1, { route });
  }
}
