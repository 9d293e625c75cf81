import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { bulkhead, circuitBreaker, consecutive, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { shield } from '../../shield.ts'

const deaf = (): Promise<never> => new Promise(() => {})

describe("the caller's signal", () => {
  test('has one listener, however many calls are in flight, and none when the last one has settled', async () => {
    const s = shield('s')
    const { signal } = new AbortController()
    const ends: (() => void)[] = []
    const calls = Array.from({ length: 50 }, () => s.run(() => new Promise<void>((end) => ends.push(end)), { signal }))
    expect(getEventListeners(signal, 'abort').length).toBe(1)
    for (const [index, end] of ends.entries()) {
      end()
      await calls[index]
      expect(getEventListeners(signal, 'abort').length).toBe(index < 49 ? 1 : 0)
    }
    await s.run(() => expect(getEventListeners(signal, 'abort').length).toBe(1), { signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('that is shared between shields reaches all their calls, and leaves alone those of other signals', async () => {
    const [one, other] = [shield('one'), shield('other')]
    const [gone, stays] = [new AbortController(), new AbortController()]
    const cut = [one.run(deaf, { signal: gone.signal }), other.run(deaf, { signal: gone.signal })]
    let end: (value: string) => void = () => {}
    const survivor = one.run(() => new Promise((resolve) => (end = resolve)), { signal: stays.signal })
    gone.abort('gone')
    for (const call of cut) await expect(call).rejects.toBe('gone')
    end('survived')
    expect(await survivor).toBe('survived')
    expect(getEventListeners(stays.signal, 'abort')).toEqual([])
  })

  test("that aborts because of another shield's timeout, further out, is a failure of the breaker inside", async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const [outer, inner] = [shield({ name: 'outer', clock }, timeout('1s')), shield({ name: 'inner', clock }, breaker)]
    const call = outer.run(({ signal }) => inner.run(deaf, { signal })).catch((error) => error.shield)
    await clock.advance('1s')
    expect(await call).toBe('outer')
    expect(breaker.state).toBe('open')
  })

  test('that aborts because of the caller of another shield, further out, is ignored by the breaker inside', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const [outer, inner] = [shield({ name: 'outer', clock }, timeout('1s')), shield({ name: 'inner', clock }, breaker)]
    const controller = new AbortController()
    const call = outer.run(({ signal }) => inner.run(deaf, { signal }), { signal: controller.signal })
    controller.abort('gone')
    await expect(call).rejects.toBe('gone')
    expect(inner.status().policies[0]).toMatchObject({ state: 'closed', calls: 0 })
  })

  test("AbortSignal.timeout is the caller's own patience: ignored by the breaker", async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield('s', breaker)
    // What such a signal aborts with, without waiting for one.
    const controller = new AbortController()
    const call = s.run(deaf, { signal: controller.signal })
    controller.abort(new DOMException('The operation timed out.', 'TimeoutError'))
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(breaker.state).toBe('closed')
  })

  test('that is aborted by a listener while the call begins: the operation is never called', async () => {
    let nowMs = 0
    const clock = { now: () => nowMs, setTimer: () => () => {} }
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1s' })
    const s = shield({ name: 's', clock }, breaker, bulkhead({ limit: 1 }), timeout('1s'))
    await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
    const controller = new AbortController()
    // Time has passed without its timer: the circuit becomes half-open in the very moment of the call, and whoever hears
    // of that gives the call up.
    nowMs += 1_000
    breaker.on('stateChange', () => controller.abort('gone'))
    let called = false
    const call = s.run(
      () => {
        called = true
      },
      { signal: controller.signal },
    )
    await expect(call).rejects.toBe('gone')
    expect(called).toBe(false)
    expect(s.status().policies).toMatchObject([{ state: 'half-open' }, { inUse: 0 }, { timeouts: 0 }])
  })
})

describe('the signal of a call', () => {
  test('that nothing can cut is its own, the same at each reading, and never aborted', async () => {
    const s = shield('s')
    const [first, second] = [await s.run(({ signal }) => [signal]), await s.run((call) => [call.signal, call.signal])]
    expect(first[0]).toBeInstanceOf(AbortSignal)
    expect(first[0]?.aborted).toBe(false)
    expect(second[0]).toBe(second[1])
    expect(second[0]).not.toBe(first[0])
  })
})

test('with stacks the refusals, timeouts and deadlines of a shield say where they come from', async () => {
  const clock = virtualClock()
  for (const stacks of [false, true]) {
    const breaker = circuitBreaker()
    breaker.isolate()
    const s = shield({ name: 's', clock, stacks }, breaker)
    const full = shield({ name: 'full', clock, stacks }, bulkhead({ limit: 1 }))
    void full.run(deaf)
    const errors = [
      s.run(() => 1).catch((error) => error),
      full.run(() => 1).catch((error) => error),
      shield({ name: 'd', clock, stacks })
        .run(deaf, { deadline: 1 })
        .catch((error) => error),
    ]
    await clock.advance(1)
    for (const error of await Promise.all(errors)) {
      expect(error.code).toMatch(/^(CIRCUIT_OPEN|BULKHEAD_FULL|DEADLINE_EXCEEDED)$/)
      expect(error.stack.includes('\n    at ')).toBe(stacks)
    }
  }
})
