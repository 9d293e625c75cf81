import { describe, expect, test, vi } from 'vitest'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { definePolicy } from '../../policy.ts'
import { shield } from '../../shield.ts'
import { callOfSignal, msLeft } from '../signal-deadline.ts'

test('a signal has no link to its call before a client follows signals', async () => {
  await shield('x', timeout('2s')).run((call) => {
    expect(callOfSignal(call.signal)).toBeUndefined()
  })
})

test('a client of one installed copy makes the calls of all copies record their signals', async () => {
  vi.resetModules()
  const other = await import('../signal-deadline.ts')
  other.followSignals()
  await shield('x', timeout('2s')).run((call) => {
    expect(callOfSignal(call.signal)).toBe(call)
  })
  vi.resetModules()
  const later = await import('../signal-deadline.ts')
  const { signal } = new AbortController()
  later.rememberSignal(signal, { attempt: 1, deadline: undefined, clock: virtualClock() })
  expect(callOfSignal(signal)?.attempt).toBe(1)
})

describe('the call of a signal', () => {
  test('is the call whose operation has read it', async () => {
    const guarded = shield({ name: 'x', clock: virtualClock() }, timeout('2s'))
    await guarded.run((call) => {
      expect(callOfSignal(call.signal)).toBe(call)
    })
  })

  test('is undefined for every other signal', async () => {
    const { signal } = new AbortController()
    expect(callOfSignal(undefined)).toBeUndefined()
    expect(callOfSignal(signal)).toBeUndefined()
    await shield('x', timeout('2s')).run(
      (call) => {
        expect(callOfSignal(signal)).toBeUndefined()
        expect(callOfSignal(AbortSignal.any([call.signal]))).toBeUndefined()
      },
      { signal },
    )
  })

  test('has the deadline that a custom policy gave to its copy', async () => {
    const clock = virtualClock()
    const hurried = definePolicy({
      name: 'hurried',
      wrap: (next) => (call, operation) => next({ ...call, deadline: clock.now() + 100 }, operation),
    })
    await shield({ name: 'x', clock }, timeout('2s'), hurried).run(({ signal }) => {
      expect(msLeft(callOfSignal(signal))).toBe(100)
    })
  })
})

describe('the time left', () => {
  test('is infinite without a call and without a deadline', async () => {
    expect(msLeft(undefined)).toBe(Number.POSITIVE_INFINITY)
    await shield('x').run((call) => expect(msLeft(call)).toBe(Number.POSITIVE_INFINITY))
  })

  test('is that of the nearest of many calls around it, and negative once it has passed', async () => {
    const clock = virtualClock()
    const guarded = shield({ name: 'x', clock })
    const nest = (depth: number, signal: AbortSignal | undefined): Promise<number> =>
      guarded.run(
        async (call) => {
          if (depth > 0) return await nest(depth - 1, call.signal)
          await Promise.resolve()
          return msLeft(call)
        },
        { signal, deadline: `${20 - depth}s` },
      )
    // The deadlines from outside inwards: 10 s, 11 s, …, 20 s.
    expect(await nest(10, undefined)).toBe(10_000)
    const late = shield({ name: 'x', clock }, timeout('1s'))
    const inside = await late.run(async (call) => call)
    await clock.advance('3s')
    expect(msLeft(inside)).toBe(-2_000)
  })
})
