// Monday, nine o'clock: five thousand people with an open calendar, each looking at something every few seconds.
import { sleep } from 'k6';
import { ROUTES, mix } from './lib/mix.js';
import { CACHED, kpis, STATS } from './lib/kpis.js';
import { lasting, scaled } from './lib/env.js';

export { handleSummary } from './lib/summary.js';

export const options = {
  stages: [
    { duration: lasting(60), target: scaled(5000) },
    { duration: lasting(120), target: scaled(5000) },
    { duration: lasting(20), target: 0 },
  ],
  thresholds: { ...kpis(ROUTES), ...CACHED },
  summaryTrendStats: STATS,
};

export default function () {
  mix();
  sleep(3 + 4 * Math.random());
}
