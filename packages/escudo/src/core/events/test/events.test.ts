import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { describe as describeError, EventHub, type ShieldEvents, watchAll } from '../events.ts'

type RetryEvent = ShieldEvents['retry']
const event = (attempt = 1): RetryEvent => ({ shield: 's', policy: 'retry', attempt, delayMs: 5, error: 'down' })

let warnings: MockInstance<typeof process.emitWarning>
beforeEach(() => {
  warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('listeners', () => {
  test('receive only their kind of event, in the order of subscription', () => {
    const hub = new EventHub()
    const received: string[] = []
    hub.on('retry', ({ attempt }) => received.push(`first ${attempt}`))
    hub.on('retry', ({ attempt }) => received.push(`second ${attempt}`))
    hub.on('timeout', () => received.push('timeout'))
    hub.emit('retry', event(3))
    expect(received).toEqual(['first 3', 'second 3'])
  })

  test('may subscribe the same function twice, and each subscription ends separately', () => {
    const hub = new EventHub()
    const listener = vi.fn()
    const unsubscribe = hub.on('retry', listener)
    hub.on('retry', listener)
    hub.emit('retry', event())
    unsubscribe()
    unsubscribe()
    hub.emit('retry', event())
    expect(listener).toHaveBeenCalledTimes(3)
  })

  test('may unsubscribe themselves while they run, without effect on others', () => {
    const hub = new EventHub()
    const received: string[] = []
    const unsubscribe = hub.on('retry', () => {
      received.push('once')
      unsubscribe()
    })
    hub.on('retry', () => received.push('always'))
    hub.emit('retry', event())
    hub.emit('retry', event())
    expect(received).toEqual(['once', 'always', 'always'])
  })

  test('may subscribe another listener while they run; it receives the next event', () => {
    const hub = new EventHub()
    const added = vi.fn()
    const unsubscribe = hub.on('retry', () => {
      unsubscribe()
      hub.on('retry', added)
    })
    hub.emit('retry', event())
    expect(added).not.toHaveBeenCalled()
    hub.emit('retry', event())
    expect(added).toHaveBeenCalledTimes(1)
  })

  test('are isolated: an error is reported once with process.emitWarning, the others run', () => {
    const hub = new EventHub()
    const others = vi.fn()
    hub.on('retry', () => {
      throw new Error('broken listener')
    })
    hub.on('retry', others)
    for (let n = 0; n < 5; n += 1) expect(() => hub.emit('retry', event())).not.toThrow()
    expect(others).toHaveBeenCalledTimes(5)
    expect(warnings).toHaveBeenCalledTimes(1)
    expect(warnings).toHaveBeenCalledWith(expect.stringContaining('Error: broken listener'), {
      type: 'EscudoWarning',
      code: 'ESCUDO_LISTENER',
    })
  })

  test('may be async: a rejection is reported once and is not unhandled', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const hub = new EventHub()
    hub.on('retry', async () => {
      throw new Error('broken later')
    })
    for (let n = 0; n < 3; n += 1) hub.emit('retry', event())
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
    expect(warnings).toHaveBeenCalledTimes(1)
  })

  test.each<[string, () => unknown]>([
    ['a thenable that rejects', () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject('no') })],
    [
      'a getter then that throws',
      () => ({
        get then() {
          throw new Error('hostile then')
        },
      }),
    ],
    [
      'a then that throws',
      () => ({
        then() {
          throw new Error('hostile then')
        },
      }),
    ],
    ['a promise that never settles', () => new Promise(() => {})],
    [
      'a thrown undefined',
      () => {
        throw undefined
      },
    ],
    [
      'a thrown object that cannot be shown',
      () => {
        throw {
          toString() {
            throw new Error('no')
          },
        }
      },
    ],
    [
      'a revoked proxy thrown',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        throw proxy
      },
    ],
  ])('may misbehave with %s, without effect', async (_what, listener) => {
    const hub = new EventHub()
    hub.on('retry', listener)
    expect(() => hub.emit('retry', event())).not.toThrow()
    await new Promise((resolve) => setImmediate(resolve))
  })
})

describe('hasListeners', () => {
  test('is true only while that kind of event has a listener', () => {
    const hub = new EventHub()
    expect(hub.hasListeners('retry')).toBe(false)
    const end = hub.on('retry', () => {})
    expect([hub.hasListeners('retry'), hub.hasListeners('timeout')]).toEqual([true, false])
    end()
    expect(hub.hasListeners('retry')).toBe(false)
  })

  test('is true for every kind of event while there is a listener for all shields', () => {
    const hub = new EventHub()
    const end = watchAll(() => {})
    expect(hub.hasListeners('late')).toBe(true)
    end()
    expect(hub.hasListeners('late')).toBe(false)
  })
})

describe('watchAll', () => {
  test('receives every event of every hub, with its name, until it is unsubscribed', () => {
    const [first, second] = [new EventHub(), new EventHub()]
    const received: string[] = []
    const unsubscribe = watchAll((named) => received.push(`${named.type} of ${named.shield}`))
    first.emit('retry', event())
    second.emit('timeout', { shield: 't', policy: 'timeout', afterMs: 1 })
    unsubscribe()
    first.emit('retry', event())
    expect(received).toEqual(['retry of s', 'timeout of t'])
  })

  test('isolates a listener that throws or unsubscribes itself', () => {
    const hub = new EventHub()
    const listener = vi.fn()
    const ends = [
      watchAll(() => {
        ends[0]?.()
        throw new Error('broken watcher')
      }),
      watchAll(listener),
    ]
    hub.emit('retry', event())
    hub.emit('retry', event())
    for (const end of ends) end()
    expect(listener).toHaveBeenCalledTimes(2)
    expect(warnings).toHaveBeenCalledTimes(1)
  })
})

test('without process.emitWarning a warning is printed on the console', () => {
  const console = vi.spyOn(globalThis.console, 'error').mockImplementation(() => {})
  vi.stubGlobal('process', {})
  try {
    const hub = new EventHub()
    hub.on('retry', () => {
      throw new Error('broken')
    })
    hub.emit('retry', event())
  } finally {
    vi.unstubAllGlobals()
  }
  expect(console).toHaveBeenCalledWith(expect.stringMatching(/^ESCUDO_LISTENER: .*broken/))
})

test('describe() formats any thrown value and never throws', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  expect(describeError(new TypeError('t'))).toBe('TypeError: t')
  expect([describeError(undefined), describeError('down'), describeError(Symbol('s'))]).toEqual([
    'undefined',
    'down',
    'Symbol(s)',
  ])
  expect(describeError(Object.create(null))).toBe('something that cannot be shown')
  expect(describeError(proxy)).toBe('something that cannot be shown')
})
