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
  test('hear their own kind of event, in the order of their subscription', () => {
    const hub = new EventHub()
    const heard: string[] = []
    hub.on('retry', ({ attempt }) => heard.push(`first ${attempt}`))
    hub.on('retry', ({ attempt }) => heard.push(`second ${attempt}`))
    hub.on('timeout', () => heard.push('timeout'))
    hub.emit('retry', event(3))
    expect(heard).toEqual(['first 3', 'second 3'])
  })

  test('the same function twice is two subscriptions, each with an end of its own', () => {
    const hub = new EventHub()
    const listener = vi.fn()
    const end = hub.on('retry', listener)
    hub.on('retry', listener)
    hub.emit('retry', event())
    end()
    end()
    hub.emit('retry', event())
    expect(listener).toHaveBeenCalledTimes(3)
  })

  test('one that unsubscribes itself while it hears disturbs nobody', () => {
    const hub = new EventHub()
    const heard: string[] = []
    const end = hub.on('retry', () => {
      heard.push('once')
      end()
    })
    hub.on('retry', () => heard.push('always'))
    hub.emit('retry', event())
    hub.emit('retry', event())
    expect(heard).toEqual(['once', 'always', 'always'])
  })

  test('one that subscribes another while it hears makes no endless loop', () => {
    const hub = new EventHub()
    const added = vi.fn()
    const end = hub.on('retry', () => {
      end()
      hub.on('retry', added)
    })
    hub.emit('retry', event())
    expect(added).not.toHaveBeenCalled()
    hub.emit('retry', event())
    expect(added).toHaveBeenCalledTimes(1)
  })

  test('one that throws is reported once, through process.emitWarning, and the others hear', () => {
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

  test('one that rejects is reported once, and leaves no unhandled rejection', async () => {
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
  ])('one that answers with %s stays without effect', async (_what, listener) => {
    const hub = new EventHub()
    hub.on('retry', listener)
    expect(() => hub.emit('retry', event())).not.toThrow()
    await new Promise((resolve) => setImmediate(resolve))
  })
})

describe('hears', () => {
  test('is true only while somebody listens to that kind', () => {
    const hub = new EventHub()
    expect(hub.hasListeners('retry')).toBe(false)
    const end = hub.on('retry', () => {})
    expect([hub.hasListeners('retry'), hub.hasListeners('timeout')]).toEqual([true, false])
    end()
    expect(hub.hasListeners('retry')).toBe(false)
  })

  test('is true for every kind while somebody watches all', () => {
    const hub = new EventHub()
    const end = watchAll(() => {})
    expect(hub.hasListeners('late')).toBe(true)
    end()
    expect(hub.hasListeners('late')).toBe(false)
  })
})

describe('watchAll', () => {
  test('hears every event of every hub, with its name, until it ends', () => {
    const [one, other] = [new EventHub(), new EventHub()]
    const heard: string[] = []
    const end = watchAll((named) => heard.push(`${named.type} of ${named.shield}`))
    one.emit('retry', event())
    other.emit('timeout', { shield: 't', policy: 'timeout', afterMs: 1 })
    end()
    one.emit('retry', event())
    expect(heard).toEqual(['retry of s', 'timeout of t'])
  })

  test('a watcher that throws or ends itself disturbs no other', () => {
    const hub = new EventHub()
    const heard = vi.fn()
    const ends = [
      watchAll(() => {
        ends[0]?.()
        throw new Error('broken watcher')
      }),
      watchAll(heard),
    ]
    hub.emit('retry', event())
    hub.emit('retry', event())
    for (const end of ends) end()
    expect(heard).toHaveBeenCalledTimes(2)
    expect(warnings).toHaveBeenCalledTimes(1)
  })
})

test('without process.emitWarning a report goes to the console', () => {
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

test('anything thrown has a text, and describing it never throws', () => {
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
