import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bulkhead, isRefusal, type Shield, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { type Gate, gate } from '../../circuit-breaker/test/setup.ts'

/** Starts `n` calls that run until the test ends them. */
function hold(s: Shield, n: number): { gates: Gate[]; results: Promise<unknown>[] } {
  const gates = Array.from({ length: n }, gate)
  const results = gates.map((held) => s.run(() => held.promise))
  for (const result of results) result.catch(() => {})
  return { gates, results }
}

const status = (s: Shield): { inUse: number; queued: number } => s.status().policies[0] as never

describe('a lower limit', () => {
  test('takes effect as permits are released, and fails no call', async () => {
    const s = shield('lower', bulkhead({ limit: 3, queue: 3 }))
    const { gates, results } = hold(s, 5)
    s.reconfigure({ bulkhead: { limit: 1 } })
    expect(status(s)).toMatchObject({ inUse: 3, limit: 1, queued: 2 })
    gates[0]?.resolve()
    gates[1]?.resolve()
    await Promise.all([results[0], results[1]])
    expect(status(s)).toMatchObject({ inUse: 1, queued: 2 })
    for (const { resolve } of gates) resolve()
    await Promise.all(results)
    expect(status(s)).toMatchObject({ inUse: 0, queued: 0 })
  })

  test('of the queue keeps the calls that wait, and refuses new ones', async () => {
    const s = shield('queue', bulkhead({ limit: 1, queue: 3 }))
    const { gates, results } = hold(s, 4)
    s.reconfigure({ bulkhead: { queue: 1 } })
    await expect(s.run(() => 42)).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    for (const { resolve } of gates) resolve()
    await Promise.all(results)
  })
})

describe('a higher limit', () => {
  test.each(['fifo', 'lifo', 'priority'] as const)('starts waiting calls at once, in the order %s', async (order) => {
    const s = shield('higher', bulkhead({ limit: 1, queue: 3, order }))
    const started: number[] = []
    const end = gate()
    const calls = [0, 1, 2, 3].map((n) =>
      s.run(
        () => {
          started.push(n)
          return end.promise
        },
        { priority: n },
      ),
    )
    s.reconfigure({ bulkhead: { limit: 3 } })
    await new Promise((resolve) => setImmediate(resolve))
    expect(started).toEqual(order === 'fifo' ? [0, 1, 2] : [0, 3, 2])
    end.resolve()
    await Promise.all(calls)
    expect(status(s)).toMatchObject({ inUse: 0, queued: 0, limit: 3 })
  })

  test('lets a call inside the holder of the former last permit wait', async () => {
    const s = shield('nested', bulkhead({ limit: 1, queue: 5 }))
    const ready = gate()
    const other = gate()
    const outer = s.run(async () => {
      await ready.promise
      return await s.run(() => 'inner')
    })
    s.reconfigure({ bulkhead: { limit: 2 } })
    const second = s.run(() => other.promise)
    ready.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    expect(status(s)).toMatchObject({ inUse: 2, queued: 1 })
    other.resolve()
    expect(await outer).toBe('inner')
    await second
  })
})

test('each key has the new limit, also a key that is used for the first time', async () => {
  const s = shield('keys', bulkhead({ limit: 1, perKey: {} }))
  const held = gate()
  const first = s.run(() => held.promise, { key: 'a' })
  s.reconfigure({ bulkhead: { limit: 2 } })
  const others = ['a', 'b', 'b'].map((key) => s.run(() => held.promise, { key }))
  await expect(s.run(() => 1, { key: 'a' })).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
  await expect(s.run(() => 1, { key: 'b' })).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
  held.resolve()
  await Promise.all([first, ...others])
})

test('a new maxWait is for calls that begin to wait afterwards', async () => {
  const clock = virtualClock()
  const s = shield({ name: 'wait', clock }, bulkhead({ limit: 1, queue: 5, maxWait: '10s' }))
  const { gates } = hold(s, 1)
  const errors: unknown[] = []
  const wait = (): unknown => s.run(() => 42).catch((error) => errors.push([clock.now(), error.message]))
  wait()
  s.reconfigure({ bulkhead: { maxWait: '1s' } })
  wait()
  await clock.advance('20s')
  expect(errors).toEqual([
    [1_000, expect.stringContaining('1000 ms')],
    [10_000, expect.stringContaining('10000 ms')],
  ])
  gates[0]?.resolve()
})

test.each(['order', 'perKey', 'name'])('the option %s cannot change', (option) => {
  const s = shield('fixed', bulkhead({ limit: 1 }))
  expect(() => s.reconfigure({ bulkhead: { [option]: undefined } })).toThrow(`bulkhead.${option}`)
})

test('property: under any changes, no permit is lost or invented, and no call fails by them', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('call' as const), priority: fc.integer({ min: 0, max: 2 }) }),
      fc.record({ do: fc.constant('end' as const), which: fc.nat(20) }),
      fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }),
      fc.record({ do: fc.constant('limit' as const), limit: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ do: fc.constant('queue' as const), queue: fc.nat(6) }),
      fc.record({ do: fc.constant('both' as const), limit: fc.integer({ min: 1, max: 6 }), queue: fc.nat(6) }),
    ),
    { maxLength: 60 },
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('fifo', 'lifo', 'priority'), steps, async (order, todo) => {
      const s = shield('property', bulkhead({ limit: 3, queue: 3, order: order as 'fifo' }), timeout('1h'))
      let [limit, queue, running] = [3, 3, 0]
      const calls: { held: Gate; abort: AbortController; outcome: Promise<unknown>; mayBeRefused: boolean }[] = []
      const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
      for (const step of todo) {
        if (step.do === 'call') {
          const { inUse, queued } = status(s)
          const [held, abort] = [gate(), new AbortController()]
          const mayStart = inUse < limit
          const outcome = s
            .run(
              async () => {
                running += 1
                // Never more than the permits: a lower limit only drains.
                expect(running).toBeLessThanOrEqual(status(s).inUse)
                try {
                  return await held.promise
                } finally {
                  running -= 1
                }
              },
              { priority: step.priority, signal: abort.signal },
            )
            .catch((error) => error)
          // Only a full queue refuses, and only at once. With priorities it may also take the place of a waiting call.
          calls.push({ held, abort, outcome, mayBeRefused: !mayStart && queued >= queue })
        }
        const call = 'which' in step ? calls[step.which % Math.max(1, calls.length)] : undefined
        if (step.do === 'end') call?.held.resolve('ended')
        if (step.do === 'abort') {
          call?.abort.abort('aborted')
          call?.held.resolve('aborted')
        }
        if ('limit' in step) limit = step.limit
        if ('queue' in step) queue = step.queue
        if (step.do === 'limit') s.reconfigure({ bulkhead: { limit } })
        if (step.do === 'queue') s.reconfigure({ bulkhead: { queue } })
        if (step.do === 'both') s.reconfigure({ bulkhead: { limit, queue } })
        await flush()
        const now = status(s)
        expect(now.inUse).toBe(running)
        // No call waits while a permit is free.
        if (now.queued > 0) expect(now.inUse).toBeGreaterThanOrEqual(limit)
      }
      for (let open = true; open; ) {
        for (const { held } of calls) held.resolve('ended')
        await flush()
        open = status(s).inUse > 0
      }
      for (const { outcome, mayBeRefused } of calls) {
        const value = await outcome
        if (mayBeRefused) continue
        // A higher priority may displace a waiting call. Nothing else fails one.
        if (order !== 'priority') expect(isRefusal(value)).toBe(false)
        else if (isRefusal(value)) expect(String(value)).toContain('displaced')
      }
      expect(s.status().policies[0]).toMatchObject({ inUse: 0, queued: 0 })
    }),
    { numRuns: 200 },
  )
})
