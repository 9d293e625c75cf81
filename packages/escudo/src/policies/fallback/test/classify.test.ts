import { describe, expect, test, vi } from 'vitest'
import { FACTS } from '../../../errors/error-facts.ts'
import { circuitBreaker, fallback, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const business = Object.assign(new Error('not found'), {
  [FACTS]: { code: 'ITEM_NOT_FOUND', status: 404, kind: 'business' },
})
type Answer = { readonly status: number }
const failed = (outcome: { ok: boolean; value?: Answer }): 'failure' | 'success' =>
  !outcome.ok || (outcome.value as Answer).status >= 500 ? 'failure' : 'success'

describe('fallback with classify', () => {
  test('replaces a value that counts as a failure, and tells it', async () => {
    const s = shield('s', fallback({ status: 200 }, { classify: failed }))
    const told = vi.fn()
    s.on('fallback', told)
    const answer = { status: 503 }
    expect(await s.run(() => answer)).toEqual({ status: 200 })
    expect(await s.run(async () => ({ status: 404 }))).toEqual({ status: 404 })
    expect(told.mock.calls).toEqual([[{ shield: 's', policy: 'fallback', error: undefined, value: answer }]])
  })

  test('gives a function the value, and keeps it if the function returns it', async () => {
    const s = shield(
      's',
      fallback((error, _call, value) => [error, value], { classify: failed }),
    )
    expect(await s.run(() => ({ status: 500 }))).toEqual([undefined, { status: 500 }])
    const cancel = vi.fn()
    const declining = shield(
      's',
      fallback((_error, _call, value) => value, { classify: () => 'failure' }),
    )
    const response = new Response(new ReadableStream({ cancel }))
    expect(await declining.run(() => response)).toBe(response)
    expect(cancel).not.toHaveBeenCalled()
  })

  test('releases what it replaces', async () => {
    const [first, second] = [vi.fn(), vi.fn()]
    const s = shield('s', fallback(0, { classify: () => 'failure' }))
    await s.run(() => new Response(new ReadableStream({ cancel: first })))
    const computed = shield(
      's',
      fallback(async () => 0, { classify: () => 'failure' }),
    )
    await computed.run(() => new Response(new ReadableStream({ cancel: second })))
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([1, 1])
  })

  test('judges errors too, except refusals, which are always replaced', async () => {
    const classify = vi.fn(() => 'ignored' as const)
    const breaker = circuitBreaker()
    const s = shield('s', fallback(0, { classify }), breaker)
    const error = new Error('down')
    await expect(s.run(() => Promise.reject(error))).rejects.toBe(error)
    breaker.isolate()
    expect(await s.run(() => 1)).toBe(0)
    expect(classify).toHaveBeenCalledTimes(1)
    expect(await shield('s', fallback(0, { classify: () => 'failure' })).run(() => Promise.reject(business))).toBe(0)
  })

  test('with `when`, errors are selected by `when` alone', async () => {
    const s = shield('s', fallback(0, { when: (error) => error === business, classify: () => 'failure' }))
    expect(await s.run(() => Promise.reject(business))).toBe(0)
    await expect(s.run(() => Promise.reject(new Error('down')))).rejects.toThrow('down')
    expect(await s.run(() => 42)).toBe(0)
  })

  test('replaces nothing for a caller whose deadline has passed', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1h'), fallback(0, { classify: () => 'failure' }))
    const call = s.run(() => new Promise((resolve) => void clock.setTimer(() => resolve(42), 1_000)), {
      deadline: 1_000,
    })
    const error = call.catch((reason) => reason)
    await clock.advance('2s')
    expect(await error).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  })

  test('passes on what a classifier or a function throws', async () => {
    const bug = new Error('bug')
    const broken = (): never => {
      throw bug
    }
    await expect(shield('s', fallback(0, { classify: broken })).run(() => 1)).rejects.toBe(bug)
    await expect(shield('s', fallback(broken, { classify: () => 'failure' })).run(() => 1)).rejects.toBe(bug)
  })
})
