import { readFile } from 'node:fs/promises'
import {
  adaptiveLimiter,
  adaptiveThrottle,
  bulkhead,
  cache,
  circuitBreaker,
  fallback,
  hedge,
  rateLimiter,
  retry,
  shield,
  timeout,
} from 'escudo'
import { createMetrics, subscribe } from 'escudo/telemetry'
import { expect, test } from 'vitest'
import { CALL_OUTCOMES } from '../packages/escudo/src/core/events/call-events.ts'
import { watchSent, watchServed, watchWorked } from '../packages/escudo/src/core/events/http-events.ts'
import { readScrape } from '../packages/escudo/src/telemetry/metrics/test/setup.ts'
import { NAMES } from '../packages/escudo/src/telemetry/test/faces/names.ts'
import { ROOT } from './shop/helpers/processes.ts'

const metrics = createMetrics()
const limiter = rateLimiter({ limit: 1, per: '1s' })
const whole = shield('x', fallback(0), timeout('1s'), retry(), circuitBreaker(), limiter, bulkhead({ limit: 1 }))
const values = cache({ ttl: '1s' })
const hedged = hedge({ after: '1s' })
const further = shield('y', values, hedged, adaptiveLimiter())
const text = await readFile(`${ROOT}/docs/telemetry.md`, 'utf8')

test('docs/telemetry.md lists exactly the existing metrics, with types and labels', async () => {
  await whole.run(() => 1)
  await further.run(() => 1, { key: 'a' })
  const [durationMs, traceId] = [1, undefined]
  const error = { status: 500, errorCode: 'X', errorKind: 'technical' } as const
  watchServed({ method: 'GET' })?.({ durationMs, route: '/', traceId, ...error })
  watchWorked({ name: 'job' })?.({ durationMs, errorCode: 'X', errorKind: 'technical', traceId })
  watchSent({ method: 'GET', url: new URL('http://a') })?.({ durationMs, status: 500, errorType: '500', traceId })
  const { types, samples } = readScrape(metrics.scrape().body)
  metrics.close()

  const rows = [...text.matchAll(/^\| `((?:http|escudo)_\w+)` +\| (\w+) +\| (.+) \|$/gm)]
  const listed = rows.map(([, name, type]) => `${type} ${name}`)
  expect(listed.sort()).toEqual([...types].map(([name, type]) => `${type} ${name}`).sort())
  for (const [, name = '', , cells = ''] of rows) {
    const shieldLabels = /bulkhead|breaker|retry|timeout|fallback|limiter|cache|hedge/.test(name)
      ? ['escudo_shield', 'escudo_policy']
      : []
    const own = [...(cells.split(':', 1)[0] ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label)
    const labels = cells.startsWith('none') ? [] : own
    const found = samples.find((sample) => sample.name === name || sample.name === `${name}_count`)
    expect({ name, labels: Object.keys(found?.labels ?? {}).sort() }).toEqual({
      name,
      labels: [...shieldLabels, ...labels].sort(),
    })
  }
})

test('docs/telemetry.md lists the names in OpenTelemetry, with instruments and units', () => {
  const instruments: Readonly<Record<string, string>> = { updown: 'up-down counter' }
  const rows = [
    ...text.matchAll(/^\| `(\w+)` +\| `([\w.]+)` +\| (histogram|counter|up-down counter) +\| `(\S+)` +\|$/gm),
  ]
  expect(rows.map((cells) => cells.slice(1, 5)).sort()).toEqual(
    NAMES.map(([prometheus, otel, type, unit]) => [prometheus, otel, instruments[type] ?? type, unit]).sort(),
  )
})

test('docs/telemetry.md lists every outcome', () => {
  const outcomes = [retry(), circuitBreaker(), timeout(1), limiter, adaptiveThrottle(), values, hedged].flatMap(
    ({ countable }) => countable?.outcomes ?? [],
  )
  for (const outcome of [...outcomes, ...CALL_OUTCOMES, 'rejected']) expect(text).toContain(`\`${outcome}\``)
})

test('docs/telemetry.md lists every event', () => {
  let names = ''
  try {
    subscribe(() => {}, ['nothing' as 'retry'])
  } catch (error) {
    // The error for an unknown name lists the known names.
    names = (error as Error).message.split('known events: ')[1] ?? ''
  }
  const listed = [...text.matchAll(/^\| `(\w+)` \|.+\|.+\|$/gm)].map(([, name]) => name)
  expect(names.split(', ').length).toBeGreaterThan(5)
  for (const name of names.split(', ')) expect(listed).toContain(name)
})

test('docs/telemetry.md lists exactly the existing log lines, with their levels', async () => {
  const source = await readFile(`${ROOT}/packages/escudo/src/telemetry/policy-lines.ts`, 'utf8')
  const lines = new Set([...source.matchAll(/event: '([a-z_.]+)'/g)].map(([, line]) => line))
  const levels = new Map(
    [...source.matchAll(/level: '(\w+)',\s+event: '([a-z_.]+)'|event: '([a-z_.]+)', level: '(\w+)'/g)].map(
      ([, level, line, sameLine, itsLevel]) => [line ?? sameLine, level ?? itsLevel],
    ),
  )
  const rows = [...text.matchAll(/^\| `([a-z_.]+)` \| (debug|info|warning|error) \|/gm)]
  expect(rows.map(([, line]) => line).sort()).toEqual([...lines].sort())
  for (const [, line, level] of rows) expect([line, level]).toEqual([line, levels.get(line)])
})
