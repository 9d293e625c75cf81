import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { bulkhead, circuitBreaker, definePolicy, fallback, retry, timeout } from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import type { Call } from '../engine/call.ts'
import { shield } from '../shield.ts'

const fivePolicies = () => {
  const clock = virtualClock()
  const s = shield(
    { name: 'five', clock },
    fallback('fallback', { when: () => false }),
    timeout('30s'),
    retry(),
    circuitBreaker(),
    bulkhead({ limit: 2 }),
    timeout('10s'),
  )
  return { clock, s }
}

describe('run', () => {
  test('calls the operation synchronously if no policy makes it wait', async () => {
    for (const options of [
      undefined,
      { key: 'k' },
      { deadline: '5s' as const, signal: new AbortController().signal },
    ]) {
      const operation = vi.fn(() => 42)
      const answer = fivePolicies().s.run(operation, options)
      expect(operation).toHaveBeenCalledTimes(1)
      expect(await answer).toBe(42)
    }
  })

  test('gives the operation its call: attempt, deadline, key, priority, clock and random', async () => {
    const clock = virtualClock()
    await clock.advance(100)
    const random = (): number => 0.5
    const s = shield({ name: 's', clock, random })
    let seen: Call | undefined
    const operation = (call: Call): void => {
      seen = call
    }
    await s.run(operation)
    expect(seen).toMatchObject({ attempt: 1, deadline: undefined, key: undefined, priority: 0, clock, random })
    await s.run(operation, { deadline: '2s', key: 'tenant-7', priority: 3 })
    expect(seen).toMatchObject({ deadline: 2_100, key: 'tenant-7', priority: 3 })
    expect(clock.pending).toBe(0)
  })

  test('never calls the operation if the signal is already aborted', async () => {
    const { s } = fivePolicies()
    const operation = vi.fn()
    const reason = { my: 'reason' }
    await expect(s.run(operation, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(operation).not.toHaveBeenCalled()
  })

  test("rejects immediately with the signal's unchanged reason when the caller aborts", async () => {
    for (const reason of [new Error('gone'), 'text', undefined, null, 0]) {
      const { s } = fivePolicies()
      const controller = new AbortController()
      const answer = s.run(() => new Promise(() => {}), { signal: controller.signal })
      controller.abort(reason)
      // The controller replaces an undefined reason by an AbortError.
      await expect(answer).rejects.toBe(controller.signal.reason)
      expect(getEventListeners(controller.signal, 'abort')).toEqual([])
      expect(s.status().policies[2]).toMatchObject({ type: 'retry', retries: 0 })
    }
  })

  test('rejects with DEADLINE_EXCEEDED at the deadline, and aborts the signal of the operation', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock })
    let signal: AbortSignal | undefined
    const answer = s.run(
      (call) => {
        signal = call.signal
        return new Promise(() => {})
      },
      { deadline: '5s' },
    )
    const failure = expect(answer).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', shield: 's', policy: 'deadline' })
    await clock.advance('4999ms')
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    await failure
    expect(signal?.reason).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(clock.pending).toBe(0)
  })

  test('removes the listener of its signal and the timer of its deadline', async () => {
    const { s, clock } = fivePolicies()
    const controller = new AbortController()
    const options = { signal: controller.signal, deadline: '5s' as const }
    await s.run(() => 1, options)
    const failing = s.run(() => Promise.reject(new Error('x')), { ...options, deadline: 1 }).catch(() => {})
    // The random delay of the retry may be shorter than the deadline.
    await clock.advance(1)
    await failing
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '-1s', '5 s', null])(
    'rejects a deadline of %s with the path of the option',
    async (deadline) => {
      const operation = vi.fn()
      await expect(shield('s').run(operation, { deadline: deadline as never })).rejects.toMatchObject({
        path: 'run.deadline',
      })
      expect(operation).not.toHaveBeenCalled()
    },
  )

  test.each([Number.NaN, '1', null, 1n, {}])(
    'rejects a priority of %s with the path of the option',
    async (priority) => {
      const operation = vi.fn()
      await expect(shield('s').run(operation, { priority: priority as never })).rejects.toMatchObject({
        path: 'run.priority',
      })
      expect(operation).not.toHaveBeenCalled()
    },
  )

  test.each([5, null, true, ['a'], {}, Symbol('a')])('rejects a key of %s with the path of the option', async (key) => {
    const operation = vi.fn()
    const wrapped = shield('s').wrap(operation, { key: () => key as never })
    for (const call of [shield('s').run(operation, { key: key as never }), wrapped()]) {
      await expect(call).rejects.toMatchObject({ path: 'run.key' })
    }
    expect(operation).not.toHaveBeenCalled()
  })

  test.each([-1, -0, 0.5, Number.POSITIVE_INFINITY, undefined])('accepts %s as a priority', async (priority) => {
    expect(await shield('s').run((call) => call.priority, { priority })).toBe(priority ?? 0)
  })

  test.each([undefined, null, 42, {}, Promise.resolve(1)])(
    'rejects %s, which is no operation, with a TypeError',
    async (wrong) => {
      await expect(shield('s').run(wrong as never)).rejects.toThrow(TypeError)
    },
  )

  test('without policies returns a promise of what the operation returns or throws', async () => {
    const s = shield('bare')
    expect(await s.run(() => 1)).toBe(1)
    await expect(
      s.run(() => {
        throw new Error('at once')
      }),
    ).rejects.toThrow('at once')
  })

  test('enters the first policy first, as the outermost', async () => {
    const order: string[] = []
    const tracer = (name: string) =>
      definePolicy({
        name,
        wrap: (next) => async (call, operation) => {
          order.push(`${name} in`)
          try {
            return await next(call, operation)
          } finally {
            order.push(`${name} out`)
          }
        },
      })
    await shield('s', tracer('a'), tracer('b'), tracer('c')).run(() => order.push('operation'))
    expect(order).toEqual(['a in', 'b in', 'c in', 'operation', 'c out', 'b out', 'a out'])
  })

  test('does not compose the policies again for each call', async () => {
    const wrap = vi.fn((next) => next)
    const s = shield('s', definePolicy({ name: 'custom', wrap }))
    await s.run(() => 1)
    await s.run(() => 1)
    expect(wrap).toHaveBeenCalledTimes(1)
  })
})

describe('wrap', () => {
  test('passes the arguments and derives the key from them', async () => {
    const keys: (string | undefined)[] = []
    const spy = definePolicy({
      name: 'spy',
      wrap: (next) => (call, operation) => {
        keys.push(call.key)
        return next(call, operation)
      },
    })
    const s = shield('s', spy)
    const add = s.wrap((a: number, b: number) => a + b, { key: (a, b) => `${a}/${b}` })
    expect(await add(1, 2)).toBe(3)
    expect(await s.wrap(() => 'no key')()).toBe('no key')
    expect(keys).toEqual(['1/2', undefined])
  })

  test('rejects without calling the function if the key function throws', async () => {
    const fn = vi.fn()
    const wrapped = shield('s').wrap(fn, {
      key: () => {
        throw new Error('no key')
      },
    })
    await expect(wrapped()).rejects.toThrow('no key')
    expect(fn).not.toHaveBeenCalled()
  })
})

test('on() receives the events of a retry until it is unsubscribed', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, retry({ maxRetries: 1, backoff: { delayMs: () => 5 } }))
  const events: unknown[] = []
  const unsubscribe = s.on('retry', (event) => events.push(event))
  for (let n = 0; n < 2; n += 1) {
    const failed = s.run(() => Promise.reject('down')).catch(() => {})
    await clock.advance(5)
    await failed
    unsubscribe()
  }
  expect(events).toEqual([{ shield: 's', policy: 'retry', attempt: 1, delayMs: 5, error: 'down' }])
})
