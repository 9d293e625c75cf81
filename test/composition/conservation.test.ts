import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Aftermath } from './conservation/storm.ts'

// A million calls through the recommended five: failures of all kinds, timeouts, deadlines, callers who give up with a
// signal of their own or one that many calls share. Seeded, under the virtual clock, in a process of its own, so that
// its heap can be compared. What was lent is given back, and no call has an outcome that the model does not allow
// (`conservation/tracked.ts`).

const CALLS = 1_000_000
const SEED = 1

// The engine's own caches move the heap by a few megabytes in steps. The smallest object kept of each call would be
// fourteen.
const HEAP_GROWTH_MAX = 8 * 2 ** 20

function storm(): Promise<Aftermath> {
  const script = fileURLToPath(new URL('conservation/storm.ts', import.meta.url))
  const args = ['--expose-gc', '--conditions=@escudo/source', script, String(CALLS), String(SEED)]
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: 170_000, killSignal: 'SIGKILL' }, (error, out, err) => {
      if (error === null) resolve(JSON.parse(out) as Aftermath)
      else reject(new Error(`the storm with seed ${SEED} ended early: ${error.message}\n${err}`))
    })
  })
}

describe('after a million calls through the recommended five', () => {
  let left: Aftermath
  beforeAll(async () => {
    left = await storm()
  }, 180_000)

  test('every call settled exactly once, in time, with an outcome that the model allows', () => {
    expect(left.settled).toBe(CALLS)
    const outcomes = Object.entries(left.outcomes)
    expect(outcomes.filter(([outcome]) => outcome.includes('wrong'))).toEqual([])
    expect(outcomes.reduce((sum, [, count]) => sum + count, 0)).toBe(CALLS)
    expect(left.unhandledRejections).toBe(0)
  })

  test('it was a storm: every outcome came a thousand times and more, the bulkhead was full, the circuit opened', () => {
    expect(Object.keys(left.outcomes).sort()).toEqual([
      'business error',
      'deadline',
      'fallback for a failure',
      'fallback for a full bulkhead',
      'fallback for a timeout (attempt)',
      'fallback for a timeout (total)',
      'fallback for an open circuit',
      'given up',
      'value',
    ])
    for (const count of Object.values(left.outcomes)) expect(count).toBeGreaterThan(1_000)
    expect(left.inUseMost).toBe(40)
    expect(left.openings).toBeGreaterThan(50)
    expect(left.retries).toBeGreaterThan(10_000)
  })

  test('no permit is lost: no place in use, nobody queued, and a probe that succeeds closes the circuit', () => {
    expect([left.inUse, left.queued]).toEqual([0, 0])
    expect(left.rested).toEqual({ value: 'well', state: 'closed' })
  })

  test("no listener is left on a caller's signal, and each that came has gone", () => {
    expect(left.listenersAdded).toBeGreaterThan(100_000)
    expect(left.listenersRemoved).toBe(left.listenersAdded)
    expect(left.signalsHeard).toBe(0)
  })

  test('no timer is left on the clock, at the end or whenever no call is under way', () => {
    expect([left.pendingTimers, left.idleTimersMost]).toEqual([0, 0])
  })

  test('the heap is as large after a million calls as after a hundred thousand', () => {
    expect(left.heapBytesLate - left.heapBytesEarly).toBeLessThan(HEAP_GROWTH_MAX)
  })
})
