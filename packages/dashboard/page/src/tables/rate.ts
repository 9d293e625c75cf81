import { f, t } from '../state/state.ts'

/** Formats a rate, per second or per minute. */
export function rateText(requests: number, seconds: number, isPerSecond: boolean = requests >= seconds): string {
  const perSecond = requests / Math.max(1, seconds)
  return isPerSecond ? t.value.perSecond(f.value.ratio(perSecond)) : t.value.perMinute(f.value.ratio(perSecond * 60))
}
