import { types } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { constant, retry, shield, TimeoutError, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const neverSettles = (): Promise<never> => new Promise(() => {})

const setUp = () => {
  const clock = virtualClock()
  return { clock, s: shield({ name: 's', clock }, timeout('1s')) }
}

describe('timeout', () => {
  test('settles exactly on time, even if the operation ignores its signal', async () => {
    const { clock, s } = setUp()
    let settled = false
    const call = s.run(neverSettles).catch((error) => {
      settled = true
      return error
    })
    await clock.advance(999)
    expect(settled).toBe(false)
    await clock.advance(1)
    const error = await call
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ code: 'TIMEOUT', shield: 's', policy: 'timeout', afterMs: 1_000 })
    expect(types.isNativeError(error)).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('aborts the signal of the call with the error that the caller receives', async () => {
    const { clock, s } = setUp()
    let reason: unknown
    const call = s
      .run(
        ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              reason = signal.reason
              reject(new Error('the clean-up failed'))
            })
          }),
      )
      .catch((error) => error)
    await clock.advance('1s')
    const error = await call
    expect(error).toBeInstanceOf(TimeoutError)
    expect(reason).toBe(error)
  })

  test('passes a value in time through and leaves no timer', async () => {
    const { clock, s } = setUp()
    const answer = s.run(() => new Promise((resolve) => clock.setTimer(() => resolve('in time'), 999)))
    await clock.advance('1h')
    expect(await answer).toBe('in time')
    expect(s.status().policies[0]).toMatchObject({ timeouts: 0 })
    expect(clock.pending).toBe(0)
  })

  test('passes a failure in time through unchanged', async () => {
    const { clock, s } = setUp()
    await expect(s.run(() => Promise.reject('down'))).rejects.toBe('down')
    await expect(
      s.run(() => {
        throw undefined
      }),
    ).rejects.toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  test('limits each attempt inside a retry', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, retry({ maxRetries: 2, backoff: constant(0) }), timeout('1s'))
    const call = s.run(neverSettles).catch((error) => error.code)
    await clock.advance('3s')
    expect(await call).toBe('TIMEOUT')
    expect(clock.now()).toBe(3_000)
    expect(s.status().policies).toMatchObject([{ retries: 2 }, { timeouts: 3 }])
  })

  test('limits all attempts together outside a retry', async () => {
    const clock = virtualClock()
    const s = shield(
      { name: 's', clock },
      timeout('2500ms'),
      retry({ maxRetries: 9, backoff: constant(0) }),
      timeout('1s'),
    )
    let calls = 0
    const call = s
      .run(() => {
        calls += 1
        return neverSettles()
      })
      .catch((error) => [error.policy, error.afterMs])
    await clock.advance('1h')
    expect(await call).toEqual(['timeout', 2_500])
    expect(calls).toBe(3)
  })

  test("does not report the caller's abort as a timeout", async () => {
    const { clock, s } = setUp()
    const received = vi.fn()
    s.on('timeout', received)
    const controller = new AbortController()
    const call = s.run(neverSettles, { signal: controller.signal }).catch((error) => error)
    controller.abort('gone')
    expect(await call).toBe('gone')
    await clock.advance('1h')
    expect(received).not.toHaveBeenCalled()
    expect(s.status().policies[0]).toMatchObject({ timeouts: 0 })
  })

  test('does not report the deadline as a timeout', async () => {
    const { clock, s } = setUp()
    const call = s.run(neverSettles, { deadline: 500 }).catch((error) => error.code)
    await clock.advance('1h')
    expect(await call).toBe('DEADLINE_EXCEEDED')
    expect(s.status().policies[0]).toMatchObject({ timeouts: 0 })
  })

  test('does not report an inner timeout as its own', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('2s', { name: 'total' }), timeout('1s', { name: 'attempt' }))
    const received: string[] = []
    s.on('timeout', ({ policy, afterMs }) => received.push(`${policy} ${afterMs}`))
    const call = s.run(neverSettles).catch((error) => error.policy)
    await clock.advance('1h')
    expect(await call).toBe('attempt')
    expect(received).toEqual(['attempt 1000'])
    expect(s.status().policies).toMatchObject([{ timeouts: 0 }, { timeouts: 1 }])
  })

  test('does not report an outer timeout as its own', async () => {
    const clock = virtualClock()
    const s = shield(
      { name: 's', clock },
      timeout('1s', { name: 'total' }),
      retry(),
      timeout('1s', { name: 'attempt' }),
    )
    const call = s.run(neverSettles).catch((error) => error.policy)
    await clock.advance('1s')
    expect(await call).toBe('total')
    expect(s.status().policies).toMatchObject([{ timeouts: 1 }, {}, { timeouts: 0 }])
  })

  test('does not abort the signal after the operation returned, such as for a streaming body', async () => {
    const { clock, s } = setUp()
    const body = await s.run(({ signal }) => ({ signal }))
    await clock.advance('1h')
    expect(body.signal.aborted).toBe(false)
  })

  test('does not pass a later abort on to an attempt that has returned', async () => {
    const clock = virtualClock()
    const retrying = retry<AbortSignal>({ maxRetries: 1, backoff: constant('1h'), classify: () => 'failure' })
    const s = shield({ name: 's', clock }, retrying, timeout('1s'))
    const signals: AbortSignal[] = []
    const controller = new AbortController()
    const call = s.run(({ signal }) => {
      signals.push(signal)
      return signal
    }, controller)
    await clock.advance('1m')
    controller.abort('gone')
    await expect(call).rejects.toBe('gone')
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  })

  test('narrows the deadline of the call, and never widens it', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('5s'), timeout('2s'))
    const deadlines: (number | undefined)[] = []
    for (const deadline of [undefined, '1s', '1h'] as const) {
      await s.run((call) => deadlines.push(call.deadline), { deadline })
    }
    expect(deadlines).toEqual([2_000, 1_000, 2_000])
  })

  test('handles a late rejection after the timeout, and does not count a late success', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    for (const end of ['resolve', 'reject'] as const) {
      const { clock, s } = setUp()
      const settle: Record<string, (value: unknown) => void> = {}
      const call = s
        .run(
          () =>
            new Promise((resolve, reject) => {
              Object.assign(settle, { resolve, reject })
            }),
        )
        .catch((error) => error.code)
      await clock.advance('1s')
      expect(await call).toBe('TIMEOUT')
      settle[end]?.(new Error('late'))
      await clock.advance(0)
      expect(s.status().policies[0]).toMatchObject({ timeouts: 1 })
    }
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('has one outcome if the timeout and the result come in the same tick', async () => {
    for (const first of ['result', 'timeout'] as const) {
      const clock = virtualClock()
      const s = shield({ name: 's', clock }, timeout(100))
      let resolve: (value: string) => void = () => {}
      if (first === 'result') clock.setTimer(() => resolve('result'), 100)
      const outcomes: unknown[] = []
      const call = s
        .run(
          () =>
            new Promise((settle) => {
              resolve = settle
            }),
        )
        .then(
          (value) => outcomes.push(value),
          (error) => outcomes.push(error.code),
        )
      if (first === 'timeout') clock.setTimer(() => resolve('result'), 100)
      await clock.advance(100)
      await call
      expect(outcomes).toEqual([first === 'result' ? 'result' : 'TIMEOUT'])
      expect(s.status().policies[0]).toMatchObject({ timeouts: first === 'result' ? 0 : 1 })
    }
  })

  test('uses one timer for a thousand concurrent calls, and each ends at its own time', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout(1_000))
    const endedAt: number[] = []
    const calls: Promise<unknown>[] = []
    for (let n = 0; n < 1_000; n += 1) {
      calls.push(s.run(neverSettles).catch(() => endedAt.push(clock.now())))
      if (n % 10 === 9) await clock.advance(1)
    }
    expect(clock.pending).toBe(1)
    await clock.advance('2s')
    await Promise.all(calls)
    expect(endedAt).toEqual(Array.from({ length: 1_000 }, (_, n) => 1_000 + Math.floor(n / 10)))
    expect(clock.pending).toBe(0)
  })

  test('an abort of one call does not affect the others', async () => {
    const { clock, s } = setUp()
    const controller = new AbortController()
    const aborted = s.run(neverSettles, { signal: controller.signal }).catch((error) => error)
    const other = s.run(neverSettles).catch((error) => error.code)
    controller.abort('gone')
    expect(await aborted).toBe('gone')
    await clock.advance('1s')
    expect(await other).toBe('TIMEOUT')
  })

  test('its error has a stack only if the shield sets `stacks`', async () => {
    const clock = virtualClock()
    for (const stacks of [false, true]) {
      const call = shield({ name: 's', clock, stacks }, timeout(1))
        .run(neverSettles)
        .catch((error) => error)
      await clock.advance(1)
      expect(String((await call).stack).includes('\n    at ')).toBe(stacks)
    }
  })
})
