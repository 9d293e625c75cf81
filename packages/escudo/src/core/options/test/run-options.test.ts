import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { resilientFetch } from '../../../http/resilient-fetch.ts'
import { bulkhead, circuitBreaker, consecutive, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { shield } from '../../shield.ts'

function setUp() {
  const s = shield('s', timeout('1h'), circuitBreaker({ trip: consecutive(1) }), bulkhead({ limit: 1 }))
  const operation = vi.fn(() => 'answer')
  return { s, operation, run: (options: unknown) => s.run(operation, options as never) }
}

describe('the options of a call', () => {
  test.each<[string, unknown, string]>([
    [
      'an unknown key',
      { timeout: 5 },
      'run.timeout: no such option; known here: signal, deadline, key, priority, cost',
    ],
    [
      'a misspelled key',
      { dedline: 5 },
      "run.dedline: no such option; known here: signal, deadline, key, priority, cost; did you mean 'deadline'?",
    ],
    ['a key in upper case', { Signal: undefined }, "did you mean 'signal'?"],
    ['an unknown key whose value is undefined', { timeout: undefined }, 'run.timeout: no such option'],
    ['null', null, 'run: expected an object of options, got null'],
    ['a number', 5, 'run: expected an object of options, got 5'],
    ['text', '2s', "run: expected an object of options, got '2s'"],
    ['an array', ['2s'], 'run: expected an object of options, got an array'],
    ['a function', () => 1, 'run: expected an object of options, got a function'],
    ['a signal', new AbortController().signal, 'run: expected options, got an AbortSignal; pass { signal }'],
    ['null for the deadline', { deadline: null }, 'run.deadline: expected a duration'],
    ['NaN for the deadline', { deadline: Number.NaN }, 'run.deadline: expected a duration'],
    ['a deadline as text without a unit', { deadline: '500' }, "got '500'; write '500ms' or '500s'"],
    ['null for the key', { key: null }, 'run.key: expected text, got null'],
    ['a number for the key', { key: 5 }, 'run.key: expected text, got 5'],
    ['text for the priority', { priority: '1' }, "run.priority: expected a number, got '1'"],
  ])('are refused if they are, or contain, %s', async (_what, options, message) => {
    const { run, operation } = setUp()
    await expect(run(options)).rejects.toThrow(message)
    await expect(run(options)).rejects.toMatchObject({ name: 'ConfigurationError', code: 'INVALID_OPTION' })
    expect(operation).not.toHaveBeenCalled()
  })

  test('are refused if they are a call: its deadline is an instant, not a duration', async () => {
    const { s, run } = setUp()
    await expect(s.run((call) => run(call))).rejects.toThrow(
      'run: expected options, got a call; pass { signal: call.signal }',
    )
  })

  test.each<[string, unknown]>([
    ['empty', {}],
    ['an object without a prototype', Object.create(null)],
    [
      'an object with options that are undefined',
      { signal: undefined, deadline: undefined, key: undefined, priority: undefined },
    ],
    ['an object whose prototype has other properties', Object.create({ traceId: 'x' })],
    ['complete', { signal: new AbortController().signal, deadline: '1s', key: 'k', priority: -1 }],
  ])('may be %s', async (_what, options) => {
    expect(await setUp().run(options)).toBe('answer')
  })

  test('name the first unknown key, whatever else they contain', async () => {
    const known = ['signal', 'deadline', 'key', 'priority']
    await fc.assert(
      fc.asyncProperty(
        fc.string().filter((key) => !known.includes(key) && key !== '__proto__'),
        async (key) => {
          const { run, operation } = setUp()
          await expect(run({ key: 'k', [key]: 1 })).rejects.toMatchObject({ path: `run.${key}` })
          expect(operation).not.toHaveBeenCalled()
        },
      ),
      { numRuns: 200 },
    )
  })
})

/** The signal of a polyfill: it calls functions only, and has no reason. */
class OldSignal {
  aborted = false
  readonly reason = undefined
  readonly listeners = new Set<(event: unknown) => void>()
  addEventListener(_type: string, listener: (event: unknown) => void): void {
    this.listeners.add(listener)
  }

  removeEventListener(_type: string, listener: (event: unknown) => void): void {
    this.listeners.delete(listener)
  }

  abort(): void {
    this.aborted = true
    for (const listener of [...this.listeners]) listener.call(this, { type: 'abort' })
  }
}

describe('the signal of a call', () => {
  test.each<[string, unknown, string]>([
    ['null', null, 'got null'],
    ['an empty object', {}, 'got an object'],
    ['an array', [], 'got an array'],
    ['true', true, 'got true'],
    ['text', 'abort', "got 'abort'"],
    ['a function', () => {}, 'got a function'],
    ['a controller', new AbortController(), 'got an AbortController; pass controller.signal'],
    ['an event target', new EventTarget(), 'got an object'],
    ['an object with `aborted` alone', { aborted: false }, 'got an object'],
    [
      'an object whose getters throw',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no')
          },
        },
      ),
      'got an object',
    ],
  ])('is refused if it is %s', async (_what, signal, got) => {
    const { run, operation } = setUp()
    await expect(run({ signal })).rejects.toThrow(`run.signal: expected an AbortSignal, ${got}`)
    await expect(run({ signal })).rejects.toMatchObject({ path: 'run.signal', code: 'INVALID_OPTION' })
    expect(operation).not.toHaveBeenCalled()
  })

  test('may be undefined', async () => {
    expect(await setUp().run({ signal: undefined })).toBe('answer')
  })

  test('without a reason, aborted before the call, rejects with an AbortError', async () => {
    const { run, operation } = setUp()
    const signal = new OldSignal()
    signal.abort()
    await expect(run({ signal })).rejects.toMatchObject({ name: 'AbortError' })
    const native = AbortSignal.abort()
    Object.defineProperty(native, 'reason', { value: undefined })
    await expect(run({ signal: native })).rejects.toBeInstanceOf(DOMException)
    expect(operation).not.toHaveBeenCalled()
  })

  test('without a reason, aborted during the call, rejects with an AbortError and aborts the inner signal with it', async () => {
    const { s } = setUp()
    const signal = new OldSignal()
    let inner: AbortSignal | undefined
    const call = s.run(
      (own) => {
        inner = own.signal
        return new Promise(() => {})
      },
      { signal: signal as never },
    )
    expect(signal.listeners.size).toBe(1)
    signal.abort()
    const error = await call.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'AbortError' })
    expect(inner?.reason).toBe(error)
    expect(signal.listeners.size).toBe(0)
  })

  test('keeps any reason that it has, null included', async () => {
    for (const reason of [null, 0, '', 'gone', new Error('gone')]) {
      const { s } = setUp()
      const controller = new AbortController()
      const call = s.run(() => new Promise(() => {}), { signal: controller.signal })
      controller.abort(reason)
      await expect(call).rejects.toBe(reason)
      await expect(s.run(() => 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    }
  })

  test('of a call that ended keeps no listener', async () => {
    const { run } = setUp()
    const { signal } = new AbortController()
    await run({ signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('of resilientFetch: null is none, anything else is checked as that of `run`', async () => {
    const get = resilientFetch({ name: 'x', shield: false, fetch: async () => new Response('ok') })
    expect(await (await get('http://x/', { signal: null })).text()).toBe('ok')
    const controller = new AbortController()
    const wrong = get('http://x/', { signal: controller as never })
    await expect(wrong).rejects.toThrow('init.signal: expected an AbortSignal, got an AbortController')
    await expect(wrong).rejects.toThrow(TypeError)
    const old = new OldSignal()
    old.abort()
    await expect(get('http://x/', { signal: old as never })).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('that does not abort leaves the timers of the clock to the call alone', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1s'))
    await s.run(() => 1, { signal: new OldSignal() as never, deadline: '1s' })
    await clock.advance('2s')
    expect(clock.pending).toBe(0)
  })
})
