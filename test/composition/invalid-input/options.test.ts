import * as escudo from 'escudo'
import { type AnyPolicy, ConfigurationError, type Shield, shield } from 'escudo'
import { virtualClock } from 'escudo/testing'
import { describe, expect, test } from 'vitest'
import { CountingClock } from '../conservation/counting-clock.ts'
import { FACTORIES, numbersIn, write } from './factories.ts'

const INVALID = [Number.NaN, -1, -0.001, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
// The exports that make a policy and take no number.
const WITHOUT_NUMBERS = [
  'fallback',
  'coalesce',
  'anyTrip',
  'consecutive',
  'calls',
  'definePolicy',
  'standardShield',
  'shield',
]

const cases = FACTORIES.flatMap(({ name, options, make }) =>
  numbersIn(options()).map((path) => [`${name}.${path.join('.')}`, path, options, make] as const),
)

describe.each(cases)('%s', (_name, path, options, make) => {
  test.each(INVALID)('rejects %s with an error that names the option', (value) => {
    expect(make(options())).toBeDefined()
    const invalid = options()
    write(invalid, path, value)
    let error: unknown
    try {
      make(invalid)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(ConfigurationError)
    const { path: named } = error as ConfigurationError
    // An option without a name, as in `timeout(after)` or `consecutive(n)`, is named as in the signature.
    if (path.length > 1 || Object.keys(options()).length > 1) expect(named).toContain(path.at(-1))
    expect(named.length).toBeGreaterThan(3)
  })
})

test('the table contains every factory of the library', () => {
  const known = new Set([...FACTORIES.flatMap(({ make, name }) => [make, name]), ...WITHOUT_NUMBERS])
  const policies = [
    'retry',
    'circuitBreaker',
    'bulkhead',
    'timeout',
    'hedge',
    'cache',
    'rateLimiter',
    'adaptiveThrottle',
    'adaptiveLimiter',
    'fallback',
    'coalesce',
  ]
  for (const name of policies)
    expect([name, typeof (escudo as Record<string, unknown>)[name], known.has(name)]).toEqual([name, 'function', true])
})

const build = shield as unknown as (options: object, ...policies: readonly AnyPolicy[]) => Shield

describe.each(
  FACTORIES.filter(({ name }) => typeof (escudo as Record<string, unknown>)[name] === 'function')
    .filter(({ make, options }) => typeof (make(options()) as { wrap?: unknown }).wrap === 'function')
    .map((factory) => [`${factory.name} of ${Object.keys(factory.options()).join(', ')}`, factory] as const),
)('options replaced while calls are in flight: %s', (_name, { options, make }) => {
  /** Plays ten calls with three keys that fail, hang or succeed. Returns everything that can be observed. */
  const play = async (replace: boolean): Promise<unknown> => {
    const clock = virtualClock()
    const shieldClock = new CountingClock(clock)
    const live = options()
    const s = build({ name: 's', clock: shieldClock, random: () => 0.5 }, make(live) as AnyPolicy)
    const trace: unknown[] = []
    const calls: Promise<unknown>[] = []
    const call = (n: number): void => {
      const operation = (): unknown => {
        if (n % 3 === 0) throw new Error('down')
        return new Promise((resolve) => clock.setTimer(() => resolve(n), 700))
      }
      calls.push(s.run(operation, { key: `${n % 3}`, deadline: '30s' }).catch((error) => error.code ?? error.message))
    }
    for (let n = 0; n < 5; n += 1) call(n)
    await clock.advance(300)
    trace.push(s.status())
    if (replace) for (const path of numbersIn(live)) write(live, path, Number.NaN)
    if (replace) for (const key of Object.keys(live)) live[key] = undefined
    for (let n = 5; n < 10; n += 1) call(n)
    await clock.advance('5s')
    trace.push(s.status())
    await clock.advance('1h')
    trace.push(await Promise.all(calls), s.status(), shieldClock.pending)
    return trace
  }

  test('changes nothing, because they are read once: every permit is released', async () => {
    const replaced = await play(true)
    expect(replaced).toEqual(await play(false))
    for (const [counter, left] of Object.entries(
      (replaced as readonly [unknown, unknown, unknown, { policies: readonly object[] }])[3].policies[0] as object,
    )) {
      if (['inUse', 'inFlight', 'queued'].includes(counter)) expect([counter, left]).toEqual([counter, 0])
    }
  })
})
