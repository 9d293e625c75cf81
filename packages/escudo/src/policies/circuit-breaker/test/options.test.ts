import { describe, expect, test } from 'vitest'
import { consecutive } from '../../../index.ts'
import { type CircuitBreakerOptions, readCircuitBreaker } from '../options.ts'
import { readSaved } from '../saved-options.ts'

const INVALID_DURATIONS = [Number.NaN, -1, Number.POSITIVE_INFINITY, '5 s', {}, [], true, null, undefined]
const INVALID_SHARES = [Number.NaN, 0, -0.1, 1.1, '0.5', true, null]
const NOT_OBJECTS = ['2s', 5, [], true, null]
const INVALID_AMOUNTS = [Number.NaN, -1, Number.POSITIVE_INFINITY, '5', {}, null, undefined]

const operation = (): void => {}
const open = { state: 'open', remainingMs: 5, openedAgoMs: 7, openings: 1, failures: 3, calls: 4 } as const

function pathOf(make: () => unknown): unknown {
  try {
    make()
  } catch (error) {
    return (error as { path?: unknown }).path
  }
  return 'nothing was thrown'
}

describe('an invalid value throws a ConfigurationError with its path', () => {
  const cases: [string, readonly unknown[], (value: never) => CircuitBreakerOptions][] = [
    ['circuitBreaker.trip', [3, '50%', {}, { create: 5 }, { create: operation }], (trip) => ({ trip })],
    ['circuitBreaker.mode', ['watch', '', true, 1, 'ENFORCE'], (mode) => ({ mode })],
    ['circuitBreaker.perKey', NOT_OBJECTS, (perKey) => ({ perKey })],
    [
      'circuitBreaker.perKey.maxKeys',
      [0, 1.5, '5', Number.NaN, Number.POSITIVE_INFINITY, 10_000_001],
      (maxKeys) => ({ perKey: { maxKeys } }),
    ],
    ['circuitBreaker.perKey.max', [1], (max) => ({ perKey: { max } as never })],
    ['circuitBreaker.probe', NOT_OBJECTS, (probe) => ({ probe })],
    [
      'circuitBreaker.probe.operation',
      ['f', 5, {}, null, undefined],
      (f) => ({ probe: { operation: f, every: '1s' } }),
    ],
    ['circuitBreaker.probe.every', [...INVALID_DURATIONS, 0], (every) => ({ probe: { operation, every } })],
    ['circuitBreaker.probe.each', [1], (each) => ({ probe: { operation, every: 1, each } as never })],
    ['circuitBreaker.ramp', NOT_OBJECTS, (ramp) => ({ ramp })],
    [
      'circuitBreaker.ramp.steps',
      [[], {}, 0.5, '0.5', null, undefined, Array(101).fill(0.5)],
      (steps) => ({ ramp: { steps, each: '1s' } }),
    ],
    ['circuitBreaker.ramp.steps[1]', INVALID_SHARES, (step) => ({ ramp: { steps: [0.05, step], each: '1s' } })],
    // Each step must be larger than the one before.
    ['circuitBreaker.ramp.steps[1]', [0.04, 0.05], (step) => ({ ramp: { steps: [0.05, step], each: '1s' } })],
    // A hole in the list is not a share.
    ['circuitBreaker.ramp.steps[0]', [Array(1)], (steps) => ({ ramp: { steps, each: '1s' } })],
    ['circuitBreaker.ramp.each', [...INVALID_DURATIONS, 0], (each) => ({ ramp: { steps: [0.5], each } })],
    ['circuitBreaker.ramp.step', [1], (step) => ({ ramp: { steps: [0.5], each: 1, step } as never })],
    ['circuitBreaker.restore', NOT_OBJECTS, (restore) => ({ restore })],
    ['circuitBreaker.restore.state', ['opened', '', 5, null, undefined, {}], (state) => ({ restore: { state } })],
    ['circuitBreaker.restore.remainingMs', INVALID_AMOUNTS, (remainingMs) => ({ restore: { ...open, remainingMs } })],
    ['circuitBreaker.restore.openedAgoMs', INVALID_AMOUNTS, (openedAgoMs) => ({ restore: { ...open, openedAgoMs } })],
    [
      'circuitBreaker.restore.openings',
      [...INVALID_AMOUNTS, 0, 1.5, 1e300],
      (openings) => ({ restore: { ...open, openings } }),
    ],
    ['circuitBreaker.restore.failures', [...INVALID_AMOUNTS, 1.5], (failures) => ({ restore: { ...open, failures } })],
    ['circuitBreaker.restore.calls', [...INVALID_AMOUNTS, 1.5], (calls) => ({ restore: { ...open, calls } })],
    ['circuitBreaker.restore.rampedMs', [1], (rampedMs) => ({ restore: { ...open, rampedMs } as never })],
    [
      'circuitBreaker.restore.rampedMs',
      [-1, Number.NaN, 'x'],
      (rampedMs) => ({ restore: { state: 'closed', rampedMs } }),
    ],
    ['circuitBreaker.restore.openUntil', [9], (openUntil) => ({ restore: { state: 'closed', openUntil } as never })],
    ['circuitBreaker.restore.calls', [9], (calls) => ({ restore: { state: 'isolated', calls } as never })],
    ['circuitBreaker.openfor', [1], (openfor) => ({ openfor }) as never],
  ]

  test.each(cases.flatMap(([path, values, make]) => values.map((value) => [path, value, make] as const)))(
    '%s rejects %s',
    (path, value, make) => {
      expect(pathOf(() => readCircuitBreaker(make(value as never)))).toBe(path)
    },
  )

  test('a saved state with a key `__proto__` throws and changes no prototype', () => {
    const hostile: unknown = JSON.parse('{"state":"closed","__proto__":{"rampedMs":-1}}')
    expect(pathOf(() => readSaved(hostile, 'circuitBreaker.restore'))).toBe('circuitBreaker.restore.__proto__')
    expect(({} as { rampedMs?: unknown }).rampedMs).toBeUndefined()
  })
})

describe('readCircuitBreaker', () => {
  test('returns the defaults without options', () => {
    expect(readCircuitBreaker({})).toEqual({
      name: 'circuitBreaker',
      classify: undefined,
      trip: expect.objectContaining({ reasons: ['failure rate of 50 %'] }),
      openPeriod: { baseMs: 10_000, factor: 1, maxMs: 10_000, retryAfterMaxMs: 60_000 },
      halfOpen: { probes: 1, closeAt: 1, leaseMs: 60_000 },
      mode: 'enforce',
      maxKeys: undefined,
      healthCheck: undefined,
      ramp: undefined,
      restore: undefined,
    })
  })

  test('returns every option, with durations in milliseconds', () => {
    const trip = consecutive(3)
    const steps = [0.05, 0.25, 1]
    const read = readCircuitBreaker({
      trip,
      openFor: { base: '1s', factor: 2, max: '1m' },
      mode: 'observe',
      probe: { operation, every: '5s' },
      ramp: { steps, each: '10s' },
      restore: open,
      name: 'mine',
    })
    expect(read).toMatchObject({
      trip,
      openPeriod: { baseMs: 1_000, factor: 2, maxMs: 60_000 },
      mode: 'observe',
      healthCheck: { operation, everyMs: 5_000 },
      ramp: { steps: [0.05, 0.25, 1], eachMs: 10_000 },
      restore: open,
      name: 'mine',
    })
    expect(readCircuitBreaker({ perKey: {} }).maxKeys).toBe(10_000)
    // A saved state belongs to one circuit.
    expect(pathOf(() => readCircuitBreaker({ perKey: {}, restore: open }))).toBe('circuitBreaker.restore')
    // The list is copied, so that later mutation cannot bypass validation.
    steps[0] = 7
    expect(read.ramp?.steps[0]).toBe(0.05)
  })

  test('accepts every state that save() returns', () => {
    for (const saved of [
      open,
      { ...open, state: 'half-open', remainingMs: 0 },
      { state: 'closed' },
      { state: 'closed', rampedMs: 5.5 },
      { state: 'isolated' },
      { state: 'disabled' },
    ]) {
      expect(readSaved(JSON.parse(JSON.stringify(saved)), 'path')).toEqual(saved)
    }
  })
})
