import { laterScript } from '../state/script.ts'

/** The service map. */
export const map = laterScript(() => import('./map.ts'))
