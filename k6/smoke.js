// Does everything answer, in few statements, from the cache? Half a minute, for after each change. A single route may be slow
// here: on a machine that does something else, too, few requests say little about the slowest of them.
import { ROUTES, mix } from './lib/mix.js';
import { calendarEvents, createEvent, events, nested, oneEvent, availability } from './lib/routes.js';
import { CACHED, kpis, STATS } from './lib/kpis.js';
import { lasting } from './lib/env.js';

export { handleSummary } from './lib/summary.js';

export const options = {
  scenarios: { smoke: { executor: 'constant-arrival-rate', rate: 40, duration: lasting(25), preAllocatedVUs: 20 } },
  thresholds: { ...kpis(ROUTES, ['p(95)<1000']), ...CACHED, http_req_duration: ['p(95)<200'] },
  summaryTrendStats: STATS,
};

/** Every route once, so that none goes unseen. */
export function setup() {
  for (const route of [calendarEvents, events, oneEvent, availability, nested, createEvent]) route();
}

export default mix;
