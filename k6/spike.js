// Everybody at once: a few people, five thousand within seconds, a few again. Then it must be as before.
import { sleep } from 'k6';
import { ROUTES, mix } from './lib/mix.js';
import { FEW_STATEMENTS, QUICK, STATS } from './lib/kpis.js';
import { lasting, scaled } from './lib/env.js';

export { handleSummary } from './lib/summary.js';

const calm = { executor: 'constant-vus', vus: scaled(100), gracefulStop: '5s', exec: 'user' };

export const options = {
  scenarios: {
    before: { ...calm, duration: lasting(30) },
    spike: {
      executor: 'ramping-vus',
      exec: 'user',
      startTime: lasting(30),
      startVUs: scaled(100),
      stages: [
        { duration: '3s', target: scaled(5000) },
        { duration: lasting(30), target: scaled(5000) },
        { duration: '3s', target: scaled(100) },
      ],
      gracefulRampDown: '5s',
    },
    after: { ...calm, startTime: `${parseInt(lasting(30)) * 2 + 16}s`, duration: lasting(30) },
  },
  thresholds: {
    'http_req_failed{scenario:spike}': ['rate<0.05'],
    'http_req_failed{scenario:after}': ['rate<0.01'],
    'http_req_duration{scenario:before}': QUICK,
    'http_req_duration{scenario:after}': QUICK,
    'sql_statements{kind:read}': FEW_STATEMENTS,
    ...Object.fromEntries(ROUTES.map((route) => [`http_req_duration{route:${route}}`, ['p(95)<2000']])),
  },
  summaryTrendStats: STATS,
};

export function user() {
  mix();
  sleep(3 + 4 * Math.random());
}
