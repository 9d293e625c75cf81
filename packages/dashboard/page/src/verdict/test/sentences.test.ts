import { describe, expect, it } from 'vitest'
import type { Health, ServiceHealth } from '../../../../src/report/health.ts'
import { en } from '../../text/english.ts'
import { formatsOf } from '../../text/format.ts'
import { es } from '../../text/spanish.ts'
import { asOf, lastingOf, remarksOf, sentenceOf } from '../sentences.ts'

const NOW = new Date(2026, 10, 28, 14, 0, 0).getTime()
const format = formatsOf('en')
const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString()

function service(name: string, state: ServiceHealth['state'], reasons: ServiceHealth['reasons']): ServiceHealth {
  return {
    name,
    state,
    reasons,
    since: ago(90),
    requests: 10,
    failures: 0,
    p95_ms: null,
    clock_ahead_ms: 0,
    open_breakers: [],
    instances: [],
    as_of: null,
  }
}

function health(services: readonly ServiceHealth[], more: Partial<Health> = {}): Health {
  const [worst] = services
  return {
    state: worst?.state ?? 'waiting',
    since: ago(90),
    cause: worst === undefined ? null : { service: worst.name, reason: worst.reasons[0] ?? '5xx' },
    as_of: null,
    effect: { requests: 20, failures: 1, degraded: 0, services: services.slice(1).map(({ name }) => name) },
    services,
    ...more,
  }
}

describe('the sentence of the verdict', () => {
  it('counts the silent services if there are several, and does not name one of them as the cause', () => {
    const all = ['inventory', 'shop', 'mail'].map((name) => service(name, 'silent', ['silence']))
    const silent = health(all, { effect: { requests: 0, failures: 0, degraded: 0, services: ['shop'] } })
    expect(sentenceOf(silent, en, format, NOW)).toBe('3 of 3 services have no requests; inventory since 13:58:30.')
    expect(sentenceOf(silent, es, formatsOf('es'), NOW)).toBe(
      '3 de 3 servicios no reciben peticiones (última de inventory: 13:58:30).',
    )
    expect(remarksOf(silent, en, format)).toEqual(['In the last minute, users got no responses.'])
  })

  it('does not give silence as the reason of silence', () => {
    const silent = health([service('shop', 'silent', ['silence'])])
    expect(sentenceOf(silent, en, format, NOW)).toBe('shop has had no requests since 13:58:30.')
  })

  it('gives the reasons of the other services with trouble where they differ', () => {
    const degraded = health([
      service('inventory', 'degraded', ['restarts']),
      service('shop', 'degraded', ['critical']),
      service('mail', 'degraded', ['restarts']),
    ])
    expect(sentenceOf(degraded, en, format, NOW)).toBe('inventory has been degraded since 13:58:30. Reason: a restart.')
    expect(remarksOf(degraded, en, format)).toContain('Also in trouble: shop (a critical line), mail.')
    expect(remarksOf(degraded, es, formatsOf('es'))[1]).toMatch(/^También con problemas: shop \(.+\), mail\.$/)
  })

  it('names every service with trouble, also one that has nothing to do with the cause', () => {
    const failing = health([
      service('inventory', 'failing', ['5xx']),
      service('mail', 'failing', ['5xx']),
      service('shop', 'healthy', []),
    ])
    const alone = { ...failing, effect: { ...failing.effect, services: [] } }
    expect(remarksOf(alone, en, format)[1]).toBe('Also in trouble: mail.')
  })

  it('does not name a service whose trouble was long ago, unless all of it was', () => {
    const past = { ...service('mail', 'failing', ['5xx']), as_of: ago(7_200) }
    const now = health([service('inventory', 'failing', ['5xx']), past])
    expect(remarksOf(now, en, format).join()).not.toContain('mail')
    expect(remarksOf({ ...now, as_of: ago(7_200) }, en, format)[1]).toBe('Also in trouble: mail.')
  })

  it('names eight of many services', () => {
    const names = Array.from({ length: 10 }, (_, n) => `s${n}`)
    const named = (count: number): string | undefined =>
      remarksOf(health(names.slice(0, count + 1).map((name) => service(name, 'failing', ['5xx']))), en, format)[1]
    expect(named(8)).toBe('Also in trouble: s1, s2, s3, s4, s5, s6, s7, s8.')
    expect(named(9)).toBe('Also in trouble: s1, s2, s3, s4, s5, s6, s7, s8 …')
  })

  it('speaks of the moment of the verdict, not of now, if the log is old', () => {
    const old = health([service('shop', 'failing', ['5xx'])], { since: ago(172_860), as_of: ago(172_800) })
    expect(asOf(old, en, format, NOW)).toMatch(/^As of 26 Nov 2026, 14:00:00; there were no requests since:$/)
    expect(lastingOf(old, en, format, NOW)).toBe('It has lasted 1\u00a0min.')
    expect(remarksOf(old, en, format)[0]).toBe(
      'In the minute before, 1 of 20 responses to users was a server error; 0 used a fallback.',
    )
    expect(asOf(health([]), en, format, NOW)).toBe('')
  })
})
