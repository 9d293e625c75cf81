import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import type { Call } from '../../../core/engine/call.ts'
import { bulkhead, constant, definePolicy, hedge, retry, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { HedgedCall } from '../hedged-call.ts'

function slow() {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, hedge({ after: 10, maxHedges: 2 }), bulkhead({ limit: 5 }))
  const abortedAt: number[] = []
  const operation = vi.fn(
    ({ signal }: Call) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => {
          abortedAt.push(clock.now())
          reject(signal.reason)
        })
      }),
  )
  return { clock, s, abortedAt, operation }
}

describe("the caller's abort", () => {
  const reason = new Error('aborted')

  test('before the call: the operation is never called', async () => {
    const { clock, s, operation } = slow()
    await expect(s.run(operation, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(operation).not.toHaveBeenCalled()
    expect(clock.pending).toBe(0)
  })

  test.each([
    ['during the wait for the first hedge', 5, 1],
    ['while two attempts are in flight', 15, 2],
    ['while all attempts are in flight', 25, 3],
  ])('%s: cancels all, rejects with its reason, starts no more', async (_when, at, attempts) => {
    const { clock, s, abortedAt, operation } = slow()
    const abort = new AbortController()
    const outcome = s.run(operation, { signal: abort.signal }).catch((error: unknown) => error)
    await clock.advance(at)
    expect(operation).toHaveBeenCalledTimes(attempts)
    abort.abort(reason)
    expect(abortedAt).toEqual(Array(attempts).fill(at))
    expect(await outcome).toBe(reason)
    expect(clock.pending).toBe(0)
    await clock.advance('1h')
    expect(operation).toHaveBeenCalledTimes(attempts)
    expect(s.status().policies[0]).toMatchObject({ wins: 0 })
    expect(s.status().policies[1]).toMatchObject({ inUse: 0 })
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  })

  test('settles the call immediately if the operations ignore their signal', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: 10 }))
    const abort = new AbortController()
    const outcome = s.run(() => new Promise(() => {}), { signal: abort.signal }).catch((error: unknown) => error)
    await clock.advance(20)
    abort.abort(reason)
    expect(await outcome).toBe(reason)
    expect(clock.pending).toBe(0)
  })

  test('by a listener of the event `hedge`: the hedge does not start', async () => {
    const { clock, s, operation } = slow()
    const abort = new AbortController()
    s.on('hedge', () => abort.abort(reason))
    const outcome = s.run(operation, { signal: abort.signal }).catch((error: unknown) => error)
    await clock.advance(10)
    expect(await outcome).toBe(reason)
    expect(operation).toHaveBeenCalledTimes(1)
  })

  test('after the call: changes nothing', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: 10 }))
    const abort = new AbortController()
    expect(await s.run(() => 1, { signal: abort.signal })).toBe(1)
    abort.abort(reason)
    await clock.advance('1h')
    expect(s.status().policies[0]).toMatchObject({ calls: 1, hedges: 0 })
  })

  test.each(['asynchronously', 'synchronously'])(
    '%s by the operation: an outer bulkhead keeps its permit',
    async (when) => {
      const outer = bulkhead({ limit: 1 })
      const clock = virtualClock()
      const s = shield({ name: 's', clock }, outer, hedge({ after: 10 }))
      const abort = new AbortController()
      let settle: (value: number) => void = () => {}
      const operation = (): Promise<number> => {
        if (when === 'synchronously') abort.abort(reason)
        return new Promise((resolve) => {
          settle = resolve
        })
      }
      const call = s.run(operation, { signal: abort.signal })
      abort.abort(reason)
      await expect(call).rejects.toBe(reason)
      expect(outer.status?.(clock.now())).toMatchObject({ inUse: 1 })
      settle(1)
      await clock.advance(0)
      expect(outer.status?.(clock.now())).toMatchObject({ inUse: 0 })
    },
  )

  test('in one tick with the answer: one outcome, and every permit is released', async () => {
    const { clock, s } = slow()
    const abort = new AbortController()
    let answer = (_value: number): void => {}
    const outcome = s.run(() => new Promise<number>((resolve) => (answer = resolve)), { signal: abort.signal })
    answer(1)
    abort.abort(reason)
    await expect(outcome).rejects.toBe(reason)
    await clock.advance('1h')
    expect(s.status().policies[1]).toMatchObject({ inUse: 0 })
    expect(clock.pending).toBe(0)
  })
})

test('does not call the operation if an outer policy aborts before the hedge starts', async () => {
  const abort = new AbortController()
  const late = definePolicy({
    name: 'late',
    wrap: (next) => (call, operation) => {
      abort.abort(new Error('gone'))
      return next(call, operation)
    },
  })
  const operation = vi.fn(() => 1)
  const s = shield('s', late, hedge({ after: 10 }))
  await expect(s.run(operation, { signal: abort.signal })).rejects.toThrow('gone')
  expect(operation).not.toHaveBeenCalled()
  expect(s.status().policies[1]).toMatchObject({ calls: 1, hedges: 0 })
})

test('a hedged call that has ended stops watching the scope of its call', async () => {
  const onCancel = vi.spyOn(HedgedCall.prototype, 'onCancel')
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, retry({ backoff: constant('1h') }), hedge({ after: 10 }))
  const abort = new AbortController()
  const outcome = s.run(() => Promise.reject(new Error('down')), { signal: abort.signal }).catch((error) => error)
  await clock.advance(10)
  abort.abort('gone')
  expect(await outcome).toBe('gone')
  expect(onCancel).not.toHaveBeenCalled()
  onCancel.mockRestore()
})
