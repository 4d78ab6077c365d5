// An hour of the ordinary: what leaks, fills up or drifts shows here.
import { ROUTES, mix } from './lib/mix.js';
import { CACHED, kpis, STATS } from './lib/kpis.js';
import { lasting, scaled } from './lib/env.js';

export { handleSummary } from './lib/summary.js';

export const options = {
  scenarios: {
    soak: {
      executor: 'constant-arrival-rate',
      rate: scaled(300),
      duration: lasting(3600),
      preAllocatedVUs: scaled(100),
      maxVUs: scaled(500),
    },
  },
  thresholds: { ...kpis(ROUTES), ...CACHED },
  summaryTrendStats: STATS,
};

export default mix;
