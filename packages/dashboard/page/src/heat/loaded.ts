import { laterScript } from '../state/script.ts'

/** The heatmap of latencies. */
export const heat = laterScript(() => import('./heat.ts'))
