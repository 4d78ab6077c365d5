// A morning: 100 users, then 200, each looking at something ten times a second.
import { sleep } from 'k6';
import { ROUTES, mix } from './lib/mix.js';
import { CACHED, kpis, STATS } from './lib/kpis.js';
import { lasting, scaled } from './lib/env.js';

export { handleSummary } from './lib/summary.js';

export const options = {
  stages: [
    { duration: lasting(120), target: scaled(100) },
    { duration: lasting(300), target: scaled(100) },
    { duration: lasting(120), target: scaled(200) },
    { duration: lasting(300), target: scaled(200) },
    { duration: lasting(120), target: 0 },
  ],
  thresholds: { ...kpis(ROUTES), ...CACHED },
  summaryTrendStats: STATS,
};

export default function () {
  mix();
  sleep(0.1);
}
