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
  test('a policy is named after its type, numbered from the second one on', () => {
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

  test('a policy keeps its explicit name', () => {
    const s = shield('s', retry({ name: 'again' }), bulkhead({ limit: 1, name: 'five' }))
    expect(s.status().policies).toMatchObject([
      { name: 'again', type: 'retry' },
      { name: 'five', type: 'bulkhead' },
    ])
  })

  test('two policies with the same explicit name are an error with the path', () => {
    expect(() => shield('s', retry({ name: 'x' }), timeout('1s', { name: 'x' }))).toThrow(
      expect.objectContaining({
        path: 'shield.policies[1].name',
        message: expect.stringContaining("'x' occurs twice"),
      }),
    )
  })

  test('numbering skips a number that is an explicit name', () => {
    const s = shield('s', timeout('9s', { name: 'timeout-2' }), timeout('2s'), timeout('1s'))
    expect(s.status().policies.map(({ name }) => name)).toEqual(['timeout-2', 'timeout', 'timeout-3'])
  })

  test.each(['', 'x'.repeat(101), 5, null, undefined])('rejects %s as the name of a shield', (name) => {
    expect(() => shield({ name: name as never })).toThrow(expect.objectContaining({ path: 'shield.name' }))
  })
})

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['null', null],
  ['a factory that was not called', retry],
  ['an object', {}],
  ['text', 'retry'],
])('%s in place of a policy is an error with its position', (_what, wrong) => {
  expect(() => shield('s', timeout('1s'), wrong as never)).toThrow(
    expect.objectContaining({ path: 'shield.policies[1]' }),
  )
})

test('an unknown option of a shield is an error with its path', () => {
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
])('an invalid value is an error with the path %s when the shield is built', (path, options) => {
  expect(() => shield({ name: 's', ...options } as never, retry())).toThrow(expect.objectContaining({ path }))
})

test('a policy uses the clock of its first shield, and a shield with another clock is an error', () => {
  const [clock, otherClock] = [virtualClock(), virtualClock()]
  const breaker = circuitBreaker()
  shield({ name: 'first', clock }, breaker)
  expect(() => shield({ name: 'second', clock }, breaker)).not.toThrow()
  expect(() => shield({ name: 'third', clock: otherClock }, breaker)).toThrow(
    expect.objectContaining({ path: 'shield.clock', message: expect.stringContaining("'circuitBreaker'") }),
  )
  expect(() => shield('fourth', breaker)).toThrow(expect.objectContaining({ path: 'shield.clock' }))
})

describe('the check of the composition', () => {
  test('throws for a timeout inside a shorter one, because it would never fire', () => {
    expect(() => shield('s', timeout('1s'), retry(), timeout('2s', { name: 'attempt' }))).toThrow(
      expect.objectContaining({ path: 'timeout.after', message: expect.stringContaining("'attempt'") }),
    )
    expect(() => shield('s', timeout('1s'), timeout('1s'))).not.toThrow()
  })

  test('warns once of a fallback inside a retry, because it hides failures', () => {
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
  test('is JSON-able, with the name, type, state and counters of every policy', async () => {
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
          reason: '2 consecutive failures',
          lastFailure: { name: 'Error', at: 10 },
          openedAt: 10,
          retryAfterMs: 10_000,
        },
        { name: 'bulkhead', type: 'bulkhead', inUse: 0, limit: 3, queued: 0, queueLimit: 2 },
        { name: 'timeout-2', type: 'timeout', timeouts: 0 },
      ],
    })
  })

  test('contains the name and type of a custom policy without a status', () => {
    const custom = definePolicy({ name: 'custom', wrap: (next) => (call, operation) => next(call, operation) })
    expect(shield('s', custom, custom).status().policies).toEqual([
      { name: 'custom', type: 'custom' },
      { name: 'custom-2', type: 'custom' },
    ])
  })
})

test('the standard shield has the order and defaults of .NET, and each can be overridden', () => {
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
