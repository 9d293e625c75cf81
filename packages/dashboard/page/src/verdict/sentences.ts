import type { Health, ServiceHealth, Waiting } from '../../../src/report/health.ts'
import type { Formats } from '../text/format.ts'
import type { Texts } from '../text/spanish.ts'

const SIGNS = { healthy: '✓', degraded: '▲', failing: '✕', silent: '…', waiting: '○' } as const
const DAY_MS = 86_400_000

/** The sign of a state. It differs in shape, not only in colour. */
export function signOf({ state }: Pick<Health, 'state'>): string {
  return SIGNS[state]
}

/** The title of the tab: the state and the service. */
export function titleOf(health: Health, texts: Texts): string {
  const { state, cause } = health
  const words = cause === null ? texts.stateNames[state] : `${cause.service}: ${texts.stateNames[state]}`
  return `${signOf(health)} ${words}`
}

/** The sentence of the verdict. */
export function sentenceOf(health: Health, texts: Texts, format: Formats, now: number): string {
  const { state, cause, since } = health
  if (state === 'waiting') return texts.waitingTitle
  if (state === 'healthy') return texts.calm
  if (cause === null) return texts.stateNames[state]
  const service = health.services.find(({ name }) => name === cause.service)
  const sentence = { degraded: texts.degraded, silent: texts.silent, failing: texts.failing }[
    service?.state === 'degraded' || service?.state === 'silent' || service?.state === 'failing' ? service.state : state
  ]
  const reasons = (service?.reasons ?? [cause.reason]).map((reason) => texts.reasons[reason] ?? reason)
  return `${sentence(cause.service, timeOf(since, format, now))} ${texts.because(reasons.join(', '))}`
}

/** The burn rate, what users got, and clocks that are wrong. */
export function remarksOf(health: Health, texts: Texts, format: Formats, now: number): readonly string[] {
  const { effect } = health
  const burning = health.services.toSorted((a, b) => (b.burn_rate ?? 0) - (a.burn_rate ?? 0))[0]
  return [
    texts.effect(format.count(effect.failures), format.count(effect.requests), format.count(effect.degraded)),
    ...(effect.services.length > 0 ? [texts.affected(effect.services.join(', '))] : []),
    ...(burning?.burn_rate !== undefined && burning.burn_rate > 0
      ? [texts.burnRate(burning.name, format.ratio(burning.burn_rate))]
      : []),
    ...(health.as_of === null ? [] : [texts.asOf(timeOf(health.as_of, format, now))]),
    ...health.services
      .filter(({ clock_ahead_ms }) => clock_ahead_ms !== 0)
      .map((service) => clockOf(service, texts, format)),
  ]
}

/** Why there is no verdict. */
export function whyOf({ reason, lines, malformed, health_checks }: Waiting, texts: Texts, format: Formats): string {
  const why = texts.whyWaiting[reason] ?? ''
  if (lines === 0) return why
  return `${texts.readSoFar(format.count(lines), format.count(malformed), format.count(health_checks))} ${why}`
}

function clockOf({ name, clock_ahead_ms }: ServiceHealth, texts: Texts, format: Formats): string {
  const by = format.rough(Math.abs(clock_ahead_ms))
  return clock_ahead_ms > 0 ? texts.clockAhead(name, by) : texts.clockBehind(name, by)
}

/** The time of day, with the date unless it was within a day. */
function timeOf(iso: string | null, format: Formats, now: number): string {
  if (iso === null) return '—'
  const at = Date.parse(iso)
  return now - at < DAY_MS / 2 ? format.clock(at) : format.day(at)
}
