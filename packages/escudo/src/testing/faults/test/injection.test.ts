import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { shield } from '../../../core/shield.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { virtualClock } from '../../virtual-clock.ts'
import type { FaultEvent } from '../engine.ts'
import { FaultError } from '../errors.ts'
import { faults } from '../faults.ts'
import { hits, reasonOf } from './setup.ts'

const stockResponse = (): Promise<Response> => Promise.resolve(Response.json({ stock: 42 }))

describe('a wrapped operation', () => {
  test('throws socket errors, statuses and errors of broken bodies', async () => {
    const outcomeOf = (fault: object) => reasonOf(faults([{ fault }]).wrap(() => 1)())
    expect(await outcomeOf({ error: 'refused' })).toMatchObject({ code: 'ECONNREFUSED' })
    expect(await outcomeOf({ error: 'dns' })).toMatchObject({ code: 'ENOTFOUND' })
    expect(await outcomeOf({ error: 'timeout' })).toMatchObject({ code: 'ETIMEDOUT' })
    expect(await outcomeOf({ status: 503 })).toBeInstanceOf(FaultError)
    expect(await outcomeOf({ status: 503 })).toMatchObject({ status: 503, code: 'INJECTED_FAULT' })
    expect(await outcomeOf({ body: 'corrupt' })).toBeInstanceOf(SyntaxError)
    expect(await outcomeOf({ body: 'truncated' })).toMatchObject({ message: 'terminated' })
  })

  test('waits on the given clock; a timeout policy ends the wait', async () => {
    const clock = virtualClock()
    const chaos = faults([{ fault: { latencyMs: 5_000 } }], { clock, seed: 1 })
    const guarded = shield({ name: 'x', clock }, timeout('2s'))
    const error = reasonOf(guarded.run(chaos.wrap(({ signal }) => signal.aborted)))
    await clock.advance('2s')
    expect(await error).toMatchObject({ code: 'TIMEOUT' })
    expect(clock.pending).toBe(0)
    const slow = chaos.wrap(() => clock.now())()
    await clock.advance('1h')
    expect(await slow).toBe(7_000)
  })

  test('varies the delay by the jitter, never below 0', async () => {
    const clock = virtualClock()
    const delays: number[] = []
    const chaos = faults([{ fault: { latencyMs: 10, jitterMs: 30 } }], { clock, seed: 3 })
    chaos.on(({ delayMs }) => delays.push(delayMs))
    for (let call = 0; call < 200; call += 1) void chaos.wrap(() => 1)()
    expect(Math.min(...delays)).toBe(0)
    expect(Math.max(...delays)).toBeGreaterThan(30)
    expect(Math.max(...delays)).toBeLessThanOrEqual(40)
    await clock.advance('1s')
  })

  test('continues after halt(): a delay ends without its fault, a stall rejects', async () => {
    const clock = virtualClock()
    const slow = faults([{ fault: { latencyMs: 1e6, error: 'reset' } }], { clock })
    const waiting = slow.wrap(() => 'no fault')()
    slow.halt()
    expect(await waiting).toBe('no fault')
    expect(await slow.wrap(() => 'after')()).toBe('after')
    const stalled = faults([{ fault: { body: 'stall' } }])
    const stuck = reasonOf(stalled.wrap(() => 1)())
    await clock.advance(0)
    stalled.halt()
    expect(await stuck).toMatchObject({ message: 'terminated' })
    expect(clock.pending).toBe(0)
  })

  test('emits an event for each fault; a listener that throws does not affect others', async () => {
    const chaos = faults([{ fault: { error: 'reset' } }])
    const events: FaultEvent[] = []
    chaos.on(() => {
      throw new Error('listener')
    })
    const unsubscribe = chaos.on((event) => events.push(event))
    await hits(
      chaos.wrap(() => 1, { name: 'x' }),
      1,
    )
    unsubscribe()
    await hits(
      chaos.wrap(() => 1),
      1,
    )
    expect(events).toMatchObject([{ number: 1, rule: 0, fault: { error: 'reset' }, target: { name: 'x' } }])
  })
})

describe('a wrapped fetch', () => {
  test('gives errors and statuses without calling the real fetch', async () => {
    const outcomeOf = (fault: object) =>
      faults([{ fault }]).fetch(() => Promise.reject(new Error('called')))('http://x/')
    const error = await reasonOf(outcomeOf({ error: 'refused' }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ message: 'fetch failed', cause: { code: 'ECONNREFUSED' } })
    const response = await outcomeOf({ status: 503 })
    expect([response.status, await response.json()]).toEqual([503, { error: 'injected fault', status: 503 }])
    expect((await outcomeOf({ status: 204 })).body).toBeNull()
  })

  test('is matched by method and path of a string, URL or Request', async () => {
    const rule = { match: { method: 'post', path: '/items/*' }, fault: { status: 500 } }
    const send = faults([rule]).fetch(stockResponse)
    expect((await send('http://x/items/1?a=/', { method: 'post' })).status).toBe(500)
    expect((await send(new URL('http://x/items/1'), { method: 'POST' })).status).toBe(500)
    expect((await send(new Request('http://x/items/1', { method: 'POST' }))).status).toBe(500)
    expect((await send('http://x/items/1')).status).toBe(200)
    expect((await send('http://x/other?/items/1', { method: 'POST' })).status).toBe(200)
  })

  test('breaks the body of a response', async () => {
    const outcomeOf = (body: 'corrupt' | 'truncated' | 'stall') =>
      faults([{ fault: { body } }]).fetch(stockResponse)('http://x/')
    expect(await reasonOf((await outcomeOf('corrupt')).json())).toBeInstanceOf(SyntaxError)
    expect(await reasonOf((await outcomeOf('truncated')).json())).toMatchObject({ message: 'terminated' })
    const reader = (await outcomeOf('stall')).body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('{"stoc')
    const more = await Promise.race([reader?.read(), new Promise((resolve) => setImmediate(resolve, 'nothing'))])
    expect(more).toBe('nothing')
    await reader?.cancel()
  })

  test('removes its listener from the signal after a delay or a stall', async () => {
    const { signal } = new AbortController()
    const clock = virtualClock()
    const slow = faults([{ fault: { latencyMs: 5 } }], { clock }).fetch(stockResponse)('http://x/', { signal })
    await clock.advance(5)
    await slow
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    const stalled = await faults([{ fault: { body: 'stall' } }]).fetch(stockResponse)('http://x/', { signal })
    await clock.advance(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await stalled.body?.cancel()
    await clock.advance(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('stalls until its signal aborts', async () => {
    const abort = new AbortController()
    const send = faults([{ fault: { body: 'stall' } }]).fetch(stockResponse)
    const text = reasonOf((await send('http://x/', { signal: abort.signal })).text())
    abort.abort('enough')
    expect(await text).toBe('enough')
  })
})
