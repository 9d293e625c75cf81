import { describe, expect, test } from 'vitest'
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  fallback,
  retry,
  type ShieldEvent,
  shield,
  timeout,
} from '../../index.ts'
import { subscribe } from '../../telemetry/index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

const fail = (): Promise<never> => Promise.reject(new Error('down'))

describe('shield.disable()', () => {
  test('runs the operation bare: once, without a fallback, and counts nothing', async () => {
    const clock = virtualClock()
    const s = shield(
      { name: 'bare', clock },
      fallback(0),
      timeout('1s'),
      retry({ backoff: constant(1) }),
      circuitBreaker({ trip: consecutive(1) }),
      bulkhead({ limit: 1 }),
    )
    const before = s.status().policies
    s.disable()
    let calls = 0
    const call = s.run(() => {
      calls += 1
      return fail()
    })
    await expect(call).rejects.toThrow('down')
    // Two at once, where the bulkhead admits one.
    await expect(Promise.all([s.run(async () => 1), s.run(() => 2)])).resolves.toEqual([1, 2])
    expect(calls).toBe(1)
    expect(s.status()).toEqual({ name: 'bare', disabled: true, policies: before })
  })

  test('still ends a call at its deadline or with its signal', async () => {
    const clock = virtualClock()
    const s = shield({ name: 'bare', clock }, timeout('1s'))
    s.disable()
    const late = s.run(() => new Promise(() => {}), { deadline: '2s' }).catch((error) => error)
    const controller = new AbortController()
    const aborted = s.run(() => new Promise(() => {}), { signal: controller.signal }).catch((error) => error)
    controller.abort('stop')
    await clock.advance('2s')
    expect(await late).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(await aborted).toBe('stop')
  })

  test('lets calls that have begun keep their policies, and their permits', async () => {
    const clock = virtualClock()
    const s = shield(
      { name: 'begun', clock },
      retry({ maxRetries: 1, backoff: constant('1s') }),
      bulkhead({ limit: 1 }),
    )
    let calls = 0
    const retried = s.run(() => {
      calls += 1
      return calls === 1 ? fail() : 'second'
    })
    s.disable()
    await clock.advance('1s')
    expect(await retried).toBe('second')
    expect(s.status().policies[1]).toMatchObject({ inUse: 0 })
  })

  test('enable() restores the policies with the state that they had', async () => {
    const s = shield('restored', circuitBreaker({ trip: consecutive(1) }))
    await s.run(fail).catch(() => {})
    s.disable()
    expect(await s.run(() => 42)).toBe(42)
    s.enable()
    expect(s.status()).not.toHaveProperty('disabled')
    await expect(s.run(() => 42)).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  test('is told once, as an event of the shield and to every subscriber', () => {
    const clock = virtualClock()
    const s = shield({ name: 'told', clock }, retry())
    const own: unknown[] = []
    const all: ShieldEvent[] = []
    s.on('disabled', (event) => own.push(event))
    const stop = subscribe((event) => all.push(event))
    s.disable()
    s.disable()
    s.enable()
    s.enable()
    stop()
    expect(own).toEqual([{ shield: 'told', at: 0 }])
    expect(all).toEqual([
      { type: 'disabled', shield: 'told', at: 0 },
      { type: 'enabled', shield: 'told', at: 0 },
    ])
  })

  test('a listener may enable the shield again', async () => {
    const s = shield('again', fallback(0))
    s.on('disabled', () => s.enable())
    s.disable()
    expect(await s.run(fail)).toBe(0)
  })
})
