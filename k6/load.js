// The ordinary day: a thousand people at their calendars.
import { sleep } from 'k6';
import { ROUTES, mix } from './lib/mix.js';
import { CACHED, kpis, STATS } from './lib/kpis.js';
import { lasting, scaled } from './lib/env.js';

export { handleSummary } from './lib/summary.js';

export const options = {
  scenarios: {
    load: {
      executor: 'ramping-vus',
      startVUs: 1,
      stages: [
        { duration: lasting(20), target: scaled(1000) },
        { duration: lasting(120), target: scaled(1000) },
        { duration: lasting(10), target: 0 },
      ],
      gracefulRampDown: '5s',
    },
  },
  thresholds: { ...kpis(ROUTES), ...CACHED },
  summaryTrendStats: STATS,
};

export default function () {
  mix();
  sleep(0.5 + Math.random());
}
