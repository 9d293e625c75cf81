import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Aftermath } from './conservation/storm.ts'

// A million calls through the five recommended policies, with failures of all kinds, timeouts, deadlines, and callers
// that abort a signal of one call or of many. Seeded, under the virtual clock, in a separate process, so that its heap
// can be compared. Every permit, listener and timer must be released, and every call must have an outcome that the model
// (`conservation/tracked.ts`) allows.

const CALLS = 1_000_000
const SEED = 1

// The caches of V8 change the heap by a few megabytes in steps. If each call kept the smallest object, the heap would
// grow by 14 MB.
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

describe('after a million calls through the five recommended policies', () => {
  let left: Aftermath
  beforeAll(async () => {
    left = await storm()
  }, 180_000)

  test('every call has settled exactly once, in time, with an outcome that the model allows', () => {
    expect(left.settled).toBe(CALLS)
    const outcomes = Object.entries(left.outcomes)
    expect(outcomes.filter(([outcome]) => outcome.includes('wrong'))).toEqual([])
    expect(outcomes.reduce((sum, [, count]) => sum + count, 0)).toBe(CALLS)
    expect(left.unhandledRejections).toBe(0)
  })

  test('every outcome came over a thousand times, the bulkhead was full, the circuit opened', () => {
    expect(Object.keys(left.outcomes).sort()).toEqual([
      'aborted by its caller',
      'business error',
      'deadline',
      'fallback for a failure',
      'fallback for a full bulkhead',
      'fallback for a timeout (attempt)',
      'fallback for a timeout (total)',
      'fallback for an open circuit',
      'value',
    ])
    for (const count of Object.values(left.outcomes)) expect(count).toBeGreaterThan(1_000)
    expect(left.inUseMost).toBe(40)
    expect(left.openings).toBeGreaterThan(50)
    expect(left.retries).toBeGreaterThan(10_000)
  })

  test('no permit is lost, no call is queued, and a successful probe closes the circuit', () => {
    expect([left.inUse, left.queued]).toEqual([0, 0])
    expect(left.rested).toEqual({ value: 'well', state: 'closed' })
  })

  test("no listener is left on a caller's signal, and each added one was removed", () => {
    expect(left.listenersAdded).toBeGreaterThan(100_000)
    expect(left.listenersRemoved).toBe(left.listenersAdded)
    expect(left.signalsWithListeners).toBe(0)
  })

  test('no timer is left, neither at the end nor whenever no call is in flight', () => {
    expect([left.pendingTimers, left.idleTimersMost]).toEqual([0, 0])
  })

  test('the heap is not larger after a million calls than after a hundred thousand', () => {
    expect(left.heapBytesLate - left.heapBytesEarly).toBeLessThan(HEAP_GROWTH_MAX)
  })
})
