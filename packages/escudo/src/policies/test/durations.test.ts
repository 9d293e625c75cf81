import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  type AnyPolicy,
  bulkhead,
  type Clock,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  fallback,
  retry,
  shield,
  systemClock,
  timeout,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { lateClock, shielded } from './late-clock.ts'

// Doubtful orders of policies are tried too.
vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

const passes = (): AnyPolicy => definePolicy({ name: 'passes', wrap: (next) => (call, run) => next(call, run) })
const waits = (): AnyPolicy =>
  definePolicy({
    name: 'waits',
    wrap: (next) => async (call, run) => {
      try {
        return await next(call, run)
      } finally {
        await new Promise<void>((resolve) => call.clock.setTimer(resolve, 5))
      }
    },
  })

const MEASURED = ['retry', 'circuitBreaker', 'timeout']

describe('durations of policies that share a reading of the clock', () => {
  test('a call of five policies with a listener reads the clock when it begins and when it ends', async () => {
    let readings = 0
    const clock: Clock = {
      ...systemClock,
      now() {
        readings += 1
        return systemClock.now()
      },
    }
    const five = shield(
      { name: 'five', clock },
      fallback(0),
      retry({ maxRetries: 1 }),
      circuitBreaker({ openFor: '1s' }),
      bulkhead({ limit: 5 }),
      timeout('1s'),
    )
    const told: string[] = []
    five.on('executed', ({ policyType }) => told.push(policyType))
    await five.run(() => Promise.resolve(1))
    readings = 0
    await five.run(() => Promise.resolve(1))
    expect([readings, told.slice(3)]).toEqual([2, ['timeout', 'circuitBreaker', 'retry']])
  })

  test('a reader of items does not change when the call began', async () => {
    const clock = virtualClock()
    // The innermost policy has the call that the operation gets.
    const items = shielded(clock, timeout('1h'), circuitBreaker())
    const told: [string, number][] = []
    items.on('executed', ({ policy, durationMs }) => told.push([policy, durationMs]))
    const read: number[] = []
    const source = async function* (): AsyncGenerator<number> {
      for (const item of [1, 2]) {
        await new Promise<void>((resolve) => clock.setTimer(resolve, 10))
        yield item
      }
    }
    const done = (async () => {
      for await (const item of items.iterate(source)) read.push(item)
    })()
    await clock.advance(100)
    await done
    expect([read, told]).toEqual([
      [1, 2],
      [
        ['circuitBreaker', 20],
        ['timeout', 20],
      ],
    ])
  })

  test('a call made by a slow listener does not end before it begins', async () => {
    const clock = lateClock()
    const breaker = circuitBreaker()
    breaker.isolate()
    const refusing = shielded(clock, retry({ maxRetries: 1 }), breaker)
    const durations: number[] = []
    refusing.on('executed', ({ durationMs }) => durations.push(durationMs))
    const outer = shielded(clock, timeout('1h'))
    let refused: Promise<unknown> = Promise.resolve()
    outer.on('executed', () => {
      clock.block(5)
      refused = refusing.run(() => 1)
    })
    await outer.run(() => 1)
    await expect(refused).rejects.toThrow('isolated')
    expect(durations).toEqual([0])
  })

  test('the end of a retried attempt is not the end of another call', async () => {
    const clock = lateClock()
    const other = shielded(clock, retry())
    const durations: number[] = []
    other.on('executed', ({ durationMs }) => durations.push(durationMs))
    let answer = (_value: number): void => {}
    const answered = other.run(
      () =>
        new Promise((resolve) => {
          answer = resolve
        }),
    )
    const retried = shielded(clock, retry({ maxRetries: 1, backoff: constant(0) }), timeout('1h'))
    retried.on('executed', () => {})
    const done = retried.run(({ attempt }) => {
      if (attempt === 1) throw new Error('down')
      queueMicrotask(() => {
        clock.block(5)
        answer(1)
      })
      return 1
    })
    await clock.fireDue()
    await Promise.all([done, answered])
    expect(durations).toEqual([5])
  })

  const kind = fc.constantFrom('retry', 'breaker', 'timeout', 'bulkhead', 'fallback', 'passes', 'waits')
  type Kind = typeof kind extends fc.Arbitrary<infer K> ? K : never
  const make: Record<Kind, () => AnyPolicy> = {
    retry: () => retry({ maxRetries: 2, backoff: constant(7) }),
    breaker: () => circuitBreaker({ trip: consecutive(3), openFor: '1h' }),
    timeout: () => timeout('1h'),
    bulkhead: () => bulkhead({ limit: 1, queue: 10 }),
    fallback: () => fallback(async () => 0),
    passes,
    waits,
  }
  const step = fc.record({ ms: fc.integer({ min: 0, max: 20 }), waits: fc.boolean(), fails: fc.boolean() })

  test('the outermost policy had a call for as long as its caller waited', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          outermost: fc.constantFrom('retry', 'breaker', 'timeout') as fc.Arbitrary<Kind>,
          inside: fc.array(kind, { maxLength: 4 }),
          steps: fc.array(step, { minLength: 1, maxLength: 6 }),
          calls: fc.integer({ min: 1, max: 3 }),
          listens: fc.constantFrom('quietly', 'by a call', 'by a refused call'),
        }),
        async ({ outermost, inside, steps, calls, listens }) => {
          const clock = lateClock()
          const outer = make[outermost]()
          const tried = shielded(clock, outer, ...inside.map((name) => make[name]()))
          const other = shielded(clock, retry({ maxRetries: 0 }), circuitBreaker({ name: 'inner' }))
          const isolated = circuitBreaker()
          isolated.isolate()
          const refusing = shielded(clock, retry({ maxRetries: 1 }), isolated)
          const durations: number[] = []
          const wrong: string[] = []
          for (const listened of [other, refusing]) {
            listened.on('executed', ({ policy, durationMs }) => {
              if (durationMs !== 0) wrong.push(`${policy}: ${durationMs}`)
            })
          }
          let isNested = false
          tried.on('executed', ({ policy, policyType, durationMs }) => {
            if (durationMs < 0 || !MEASURED.includes(policyType)) wrong.push(`${policy}: ${durationMs}`)
            if (policy === outer.name) durations.push(durationMs)
            if (listens === 'quietly' || isNested) return
            isNested = true
            if (listens === 'by a call') void other.run(() => 1)
            else refusing.run(() => 1).catch(() => {})
            isNested = false
          })
          let count = 0
          const operation = (): unknown => {
            const { ms, waits: isAsync, fails } = steps[count++ % steps.length] as (typeof steps)[number]
            if (!isAsync) {
              clock.block(ms)
              if (fails) throw new Error('down')
              return 1
            }
            return new Promise((resolve, reject) => {
              clock.setTimer(() => (fails ? reject(new Error('down')) : resolve(1)), ms)
            })
          }
          const expected: number[] = []
          const oneCall = async (): Promise<void> => {
            const startMs = clock.now()
            const told = durations.length
            await tried.run(operation).catch(() => {})
            // A refusal by the outermost policy is no execution.
            if (durations.length > told) expected.push(clock.now() - startMs)
          }
          for (let call = 0; call < calls; call += 1) {
            let isDone = false
            const done = oneCall().finally(() => {
              isDone = true
            })
            for (await setImmediate(); !isDone; await clock.fireDue()) clock.block(1)
            await done
          }
          expect(wrong).toEqual([])
          expect(durations).toEqual(expected)
        },
      ),
      { numRuns: 500 },
    )
  })
})
