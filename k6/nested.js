// GraphQL only: a calendar with its events, their guests and rooms, 50 or 500 to a page.
import { sleep } from 'k6';
import { kpis, QUICK, STATS } from './lib/kpis.js';
import { lasting, scaled } from './lib/env.js';
import { nested } from './lib/routes.js';

export { handleSummary } from './lib/summary.js';

const YEAR = { from: '2026-05-01T00:00:00Z', to: '2027-05-01T00:00:00Z' };

export const options = {
  scenarios: {
    of_50: { executor: 'constant-vus', exec: 'small', vus: scaled(100), duration: lasting(90) },
    of_500: { executor: 'constant-vus', exec: 'large', vus: scaled(10), duration: lasting(90) },
  },
  thresholds: {
    ...kpis(['nested_50'], QUICK),
    http_req_duration: ['p(95)<500'],
    // Ten times the events, ten times the bytes.
    'http_req_duration{route:nested_500}': ['p(95)<1000', 'p(99)<2000'],
  },
  summaryTrendStats: STATS,
};

export function small() {
  nested(50, undefined, 'nested_50');
  sleep(0.5 + Math.random());
}

export function large() {
  nested(500, YEAR, 'nested_500');
  sleep(1 + Math.random());
}
