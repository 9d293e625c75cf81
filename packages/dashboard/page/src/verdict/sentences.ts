import type { Health, ServiceHealth, Waiting } from '../../../src/report/health.ts'
import type { Formats } from '../text/format.ts'
import type { Texts } from '../text/spanish.ts'

const DAY_MS = 86_400_000
/** The table below names all of them. */
const NAMED_MAX = 8

/** What the band, the title and the favicon look like: the state, unless the page does not follow it. */
export type Appearance = Health['state'] | 'paused' | 'lost'

const SIGNS: Readonly<Record<Appearance, string>> = {
  healthy: '✓',
  degraded: '▲',
  failing: '✕',
  silent: '…',
  waiting: '○',
  paused: '‖',
  lost: '⚠',
}

/** The appearance of a state. What is not followed any more must not look healthy. */
export function appearanceOf(
  state: Health['state'] | undefined,
  connection: 'connecting' | 'live' | 'lost' | 'full',
  isPaused: boolean,
): Appearance {
  if (isPaused) return 'paused'
  if (connection === 'lost' || connection === 'full') return 'lost'
  return state ?? 'waiting'
}

/** The sign of an appearance. Signs differ in shape, not only in colour. */
export function signOf(appearance: Appearance): string {
  return SIGNS[appearance]
}

/** The title of the tab: the state and the service. */
export function titleOf(health: Health | undefined, appearance: Appearance, texts: Texts): string {
  if (health === undefined) return appearance === 'lost' ? `${SIGNS.lost} ${texts.lost}` : texts.title
  const { state, cause } = health
  const words = cause === null ? texts.stateNames[state] : `${cause.service}: ${texts.stateNames[state]}`
  if (appearance === 'lost') return `${SIGNS.lost} ${texts.lost} (${texts.lastKnown(words)})`
  if (appearance === 'paused') return `${SIGNS.paused} ${texts.paused} (${texts.lastKnown(words)})`
  return `${SIGNS[state]} ${words}`
}

/** The sentence of the verdict. */
export function sentenceOf(health: Health, texts: Texts, format: Formats, now: number): string {
  const { state, cause, since } = health
  if (state === 'waiting') return texts.waitingTitle
  if (state === 'healthy') return texts.calm
  if (cause === null) return texts.stateNames[state]
  const service = health.services.find(({ name }) => name === cause.service)
  const silent = health.services.filter((one) => one.state === 'silent').length
  if (state === 'silent' && silent > 1) {
    const all = format.count(health.services.length)
    return texts.silentMany(format.count(silent), all, cause.service, timeOf(since, format, now))
  }
  const sentence = { degraded: texts.degraded, silent: texts.silent, failing: texts.failing }[
    service?.state === 'degraded' || service?.state === 'silent' || service?.state === 'failing' ? service.state : state
  ]
  const reasons = service?.reasons ?? [cause.reason]
  const said = sentence(cause.service, timeOf(since, format, now))
  // That a service is silent is what the sentence says already.
  return String(reasons) === 'silence' ? said : `${said} ${texts.because(namesOf(reasons, texts))}`
}

function namesOf(reasons: readonly string[], texts: Texts): string {
  return reasons.map((reason) => texts.reasons[reason] ?? reason).join(', ')
}

/** The moment of a verdict that is not about now; empty if it is. */
export function asOf({ as_of }: Health, texts: Texts, format: Formats, now: number): string {
  return as_of === null ? '' : texts.asOf(timeOf(as_of, format, now))
}

/** How long the trouble has lasted, up to the moment of the verdict; empty without trouble. */
export function lastingOf({ since, as_of }: Health, texts: Texts, format: Formats, now: number): string {
  const ms = since === null ? 0 : (as_of === null ? now : Date.parse(as_of)) - Date.parse(since)
  return ms < 1_000 ? '' : texts.lasting(format.rough(ms))
}

/** The burn rate, what users got, and clocks that are wrong. */
export function remarksOf(health: Health, texts: Texts, format: Formats): readonly string[] {
  const { effect } = health
  const isPast = health.as_of !== null
  const others = othersOf(health, texts)
  const burning = health.services.toSorted((a, b) => (b.burn_rate ?? 0) - (a.burn_rate ?? 0))[0]
  return [
    effect.requests === 0
      ? texts.noEffect(isPast)
      : texts.effect(
          format.count(effect.failures),
          format.count(effect.requests),
          format.count(effect.degraded),
          isPast,
        ),
    ...(others.length > 0
      ? [texts.alsoInTrouble(others.slice(0, NAMED_MAX).join(', '), others.length > NAMED_MAX)]
      : []),
    ...(burning?.burn_rate !== undefined && burning.burn_rate > 0
      ? [texts.burnRate(burning.name, format.ratio(burning.burn_rate))]
      : []),
    ...health.services
      .filter(({ clock_ahead_ms }) => clock_ahead_ms !== 0)
      .map((service) => clockOf(service, texts, format)),
  ]
}

/**
 * The other services with trouble, because of the cause or not, each with its reasons if they are others than those of
 * the cause.
 */
function othersOf({ state, cause, as_of, services }: Health, texts: Texts): readonly string[] {
  const known = String(services.find(({ name }) => name === cause?.service)?.reasons)
  return services.flatMap(({ name, reasons, as_of: own }) => {
    const itsOwn = String(reasons)
    // What had trouble before its last request, long ago, says nothing of now. The headline counts the silent ones.
    const isPast = own !== null && as_of === null
    if (itsOwn === '' || name === cause?.service || isPast || (state === 'silent' && itsOwn === 'silence')) return []
    return itsOwn === known ? name : `${name} (${namesOf(reasons, texts)})`
  })
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
