import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  definePolicy,
  fallback,
  retry,
  standardShield,
  timeout,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { shield } from '../shield.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('names', () => {
  test('a policy is called as its type, numbered when it occurs twice', () => {
    const s = shield('s', fallback(null), timeout('9s'), retry(), timeout('2s'), circuitBreaker(), timeout('1s'))
    expect(s.status().policies.map(({ name }) => name)).toEqual([
      'fallback',
      'timeout',
      'retry',
      'timeout-2',
      'circuitBreaker',
      'timeout-3',
    ])
  })

  test('a policy keeps the name that it was given, and its type beside it', () => {
    const s = shield('s', retry({ name: 'again' }), bulkhead({ limit: 1, name: 'five' }))
    expect(s.status().policies).toMatchObject([
      { name: 'again', type: 'retry' },
      { name: 'five', type: 'bulkhead' },
    ])
  })

  test('the same given name twice is an error that names the place', () => {
    expect(() => shield('s', retry({ name: 'x' }), timeout('1s', { name: 'x' }))).toThrow(
      expect.objectContaining({
        path: 'shield.policies[1].name',
        message: expect.stringContaining("'x' occurs twice"),
      }),
    )
  })

  test('numbering leaves out a number that somebody has as a name', () => {
    const s = shield('s', timeout('9s', { name: 'timeout-2' }), timeout('2s'), timeout('1s'))
    expect(s.status().policies.map(({ name }) => name)).toEqual(['timeout-2', 'timeout', 'timeout-3'])
  })

  test.each(['', 'x'.repeat(101), 5, null, undefined])('%s is no name for a shield', (name) => {
    expect(() => shield({ name: name as never })).toThrow(expect.objectContaining({ path: 'shield.name' }))
  })
})

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['null', null],
  ['a factory that was not called', retry],
  ['an object', {}],
  ['text', 'retry'],
])('%s in place of a policy is an error that names the place', (_what, wrong) => {
  expect(() => shield('s', timeout('1s'), wrong as never)).toThrow(
    expect.objectContaining({ path: 'shield.policies[1]' }),
  )
})

test('an unknown option of a shield is an error that names it', () => {
  expect(() => shield({ name: 's', clok: virtualClock() } as never)).toThrow(
    expect.objectContaining({ path: 'shield.clok' }),
  )
  expect(() => shield([] as never)).toThrow(expect.objectContaining({ path: 'shield' }))
  expect(() => shield(null as never)).toThrow(expect.objectContaining({ path: 'shield' }))
})

test.each<[string, object]>([
  ['shield.clock', { clock: 5 }],
  ['shield.clock', { clock: {} }],
  ['shield.random', { random: 0.5 }],
])('a wrong value is an error that names %s, when the shield is built', (path, options) => {
  expect(() => shield({ name: 's', ...options } as never, retry())).toThrow(expect.objectContaining({ path }))
})

test('a policy takes the clock of its first shield, and another clock is an error', () => {
  const [one, other] = [virtualClock(), virtualClock()]
  const breaker = circuitBreaker()
  shield({ name: 'first', clock: one }, breaker)
  expect(() => shield({ name: 'second', clock: one }, breaker)).not.toThrow()
  expect(() => shield({ name: 'third', clock: other }, breaker)).toThrow(
    expect.objectContaining({ path: 'shield.clock', message: expect.stringContaining("'circuitBreaker'") }),
  )
  expect(() => shield('fourth', breaker)).toThrow(expect.objectContaining({ path: 'shield.clock' }))
})

describe('the check of the whole', () => {
  test('a timeout inside of a shorter one would never fire: an error', () => {
    expect(() => shield('s', timeout('1s'), retry(), timeout('2s', { name: 'attempt' }))).toThrow(
      expect.objectContaining({ path: 'timeout.after', message: expect.stringContaining("'attempt'") }),
    )
    expect(() => shield('s', timeout('1s'), timeout('1s'))).not.toThrow()
  })

  test('a fallback inside of a retry hides failures from it: a warning, once', () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    shield('hidden', retry(), fallback(null))
    shield('hidden', retry(), fallback(null))
    expect(warnings).toHaveBeenCalledTimes(1)
    expect(warnings).toHaveBeenCalledWith(expect.stringContaining("shield 'hidden'"), {
      type: 'EscudoWarning',
      code: 'ESCUDO_ORDER',
    })
    shield('right', fallback(null), retry())
    expect(warnings).toHaveBeenCalledTimes(1)
  })
})

describe('status', () => {
  test('is JSON-able, and tells every policy by name, type, state and counters', async () => {
    const clock = virtualClock()
    const s = shield(
      { name: 's', clock },
      fallback(null),
      timeout('9s'),
      retry({ maxRetries: 1, backoff: { delayMs: () => 10 } }),
      circuitBreaker({ trip: consecutive(2), openFor: '10s' }),
      bulkhead({ limit: 3, queue: 2 }),
      timeout('1s'),
    )
    const answer = s.run(() => Promise.reject(new Error('down')))
    await clock.advance(10)
    expect(await answer).toBeNull()
    expect(JSON.parse(JSON.stringify(s.status()))).toEqual({
      name: 's',
      policies: [
        { name: 'fallback', type: 'fallback' },
        { name: 'timeout', type: 'timeout', timeouts: 0 },
        { name: 'retry', type: 'retry', calls: 1, retries: 1, exhausted: 1 },
        {
          name: 'circuitBreaker',
          type: 'circuitBreaker',
          state: 'open',
          failures: 2,
          calls: 2,
          openedAt: 10,
          retryAfterMs: 10_000,
        },
        { name: 'bulkhead', type: 'bulkhead', inUse: 0, limit: 3, queued: 0, queueLimit: 2 },
        { name: 'timeout-2', type: 'timeout', timeouts: 0 },
      ],
    })
  })

  test('a policy of a user without a status is told by name and type', () => {
    const own = definePolicy({ name: 'own', wrap: (next) => (call, operation) => next(call, operation) })
    expect(shield('s', own, own).status().policies).toEqual([
      { name: 'own', type: 'own' },
      { name: 'own-2', type: 'own' },
    ])
  })
})

test('the standard shield has the order and the values of .NET, each overridable', () => {
  const standard = standardShield('catalogue')
  expect(standard.status().policies.map(({ name, type }) => [name, type])).toEqual([
    ['bulkhead', 'bulkhead'],
    ['totalTimeout', 'timeout'],
    ['retry', 'retry'],
    ['circuitBreaker', 'circuitBreaker'],
    ['attemptTimeout', 'timeout'],
  ])
  expect(standard.status().policies[0]).toMatchObject({ limit: 1_000 })
  expect(standardShield('c', { bulkhead: { limit: 5 } }).status().policies[0]).toMatchObject({ limit: 5 })
  expect(() => standardShield('c', { totalTimeout: '5s' })).toThrow(expect.objectContaining({ path: 'timeout.after' }))
  expect(() => standardShield('c', { totaltimeout: '5s' } as never)).toThrow(
    expect.objectContaining({ path: 'standardShield.totaltimeout' }),
  )
})
