import { createHook } from 'node:async_hooks'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { type CancelTimer, type Clock, systemClock } from '../../clock.ts'
import { type Ambient, ambient, withAmbient } from '../../context/ambient.ts'
import { continueTrace } from '../../context/trace-context.ts'
import { type TimerEntry, TimerQueue, timerQueue } from '../timer-queue.ts'

class Entry implements TimerEntry {
  queued = false
  dueMs = 0
  earlier: TimerEntry | undefined
  later: TimerEntry | undefined
  context: Ambient | undefined
  readonly expire: () => void

  constructor(expire: () => void = () => {}) {
    this.expire = expire
  }
}

/** A clock that a test sets by hand. It logs what it does. */
function manualClock(): Clock & { readonly log: string[]; nowMs: number; fire(): void; readonly armed: boolean } {
  let timer: (() => void) | undefined
  const clock = {
    nowMs: 0,
    log: [] as string[],
    now: () => clock.nowMs,
    get armed() {
      return timer !== undefined
    },
    fire() {
      const fire = timer
      timer = undefined
      fire?.()
    },
    setTimer(fire: () => void, delayMs: number): CancelTimer {
      clock.log.push(`set ${delayMs}`)
      timer = fire
      return () => {
        clock.log.push('cancel')
        timer = undefined
      }
    },
  }
  return clock
}

interface TimeoutOfNode extends NodeJS.Timeout {
  readonly _idleTimeout: number
}

/** Adds a wait and removes it, as a call does that ends in time. */
function useOnce(queue: TimerQueue): void {
  const entry = new Entry()
  queue.add(entry)
  queue.remove(entry)
}

describe('a timer queue', () => {
  test('ends waits in the order in which they began, each at its own instant', async () => {
    const clock = virtualClock()
    const queue = new TimerQueue(clock, 100)
    const ended: string[] = []
    queue.add(new Entry(() => ended.push(`first ${clock.now()}`)))
    await clock.advance(30)
    queue.add(new Entry(() => ended.push(`second ${clock.now()}`)))
    queue.add(new Entry(() => ended.push(`third ${clock.now()}`)))
    await clock.advance(1_000)
    expect(ended).toEqual(['first 100', 'second 130', 'third 130'])
    expect(clock.pending).toBe(0)
  })

  test('behaves like one timer per wait, for any sequence of adding, removing and waiting', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.constant('add' as const),
            fc.nat(20),
            fc.nat(60).map((ms) => ({ ms })),
          ),
          { maxLength: 60, size: 'max' },
        ),
        async (commands) => {
          const clock = virtualClock()
          const queue = new TimerQueue(clock, 50)
          const expected: string[] = []
          const ended: string[] = []
          const entries: { readonly entry: Entry; readonly cancel: CancelTimer }[] = []
          for (const command of commands) {
            if (command === 'add') {
              const id = entries.length
              const cancel = clock.setTimer(() => expected.push(`${id} at ${clock.now()}`), 50)
              const entry = new Entry(() => ended.push(`${id} at ${clock.now()}`))
              queue.add(entry)
              entries.push({ entry, cancel })
            } else if (typeof command === 'number') {
              const removed = entries[command]
              removed?.cancel()
              if (removed !== undefined) queue.remove(removed.entry)
            } else await clock.advance(command.ms)
          }
          await clock.advance(1_000)
          expect(ended).toEqual(expected)
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('sets one timer for any number of waits', () => {
    const clock = virtualClock()
    const queue = new TimerQueue(clock, 100)
    const entries = Array.from({ length: 1_000 }, () => new Entry())
    for (const entry of entries) queue.add(entry)
    expect(clock.pending).toBe(1)
    for (const entry of entries) queue.remove(entry)
    expect(clock.pending).toBe(0)
  })

  test('does not end a wait early when the timer of an earlier wait fires', () => {
    const clock = manualClock()
    const queue = new TimerQueue(clock, 100)
    const early = new Entry()
    queue.add(early)
    clock.nowMs = 60
    const ended: number[] = []
    queue.add(new Entry(() => ended.push(clock.nowMs)))
    queue.remove(early)
    clock.nowMs = 100
    clock.fire()
    expect(ended).toEqual([])
    expect(clock.log.at(-1)).toBe('set 60')
    clock.nowMs = 160
    clock.fire()
    expect(ended).toEqual([160])
    expect(clock.armed).toBe(false)
  })

  test('cancels its timer when it is empty, if the clock is not the system clock', () => {
    const clock = manualClock()
    const queue = new TimerQueue(clock, 100)
    useOnce(queue)
    queue.remove(new Entry())
    useOnce(queue)
    expect(clock.log).toEqual(['set 100', 'cancel', 'set 100', 'cancel'])
  })

  test('waits for the rest when its timer fires slightly too early', () => {
    const clock = manualClock()
    const queue = new TimerQueue(clock, 100)
    const ended: number[] = []
    queue.add(new Entry(() => ended.push(clock.nowMs)))
    clock.nowMs = 99.6
    clock.fire()
    expect(ended).toEqual([])
    expect(clock.armed).toBe(true)
    clock.nowMs = 100
    clock.fire()
    expect(ended).toEqual([100])
  })

  test('loses no later wait if the clock throws when the first one begins', () => {
    const clock = manualClock()
    const { setTimer } = clock
    const failOnce = (): CancelTimer => {
      clock.setTimer = setTimer
      throw new RangeError('Maximum call stack size exceeded')
    }
    const queue = new TimerQueue(clock, 100)
    const lost = new Entry()
    clock.setTimer = failOnce
    expect(() => queue.add(lost)).toThrow(RangeError)
    expect(lost.queued).toBe(false)
    const ended: number[] = []
    queue.add(new Entry(() => ended.push(clock.nowMs)))
    clock.nowMs = 100
    clock.fire()
    expect(ended).toEqual([100])
    expect(clock.armed).toBe(false)
  })

  test('stays consistent when an expiring wait adds and removes others', async () => {
    const clock = virtualClock()
    const queue = new TimerQueue(clock, 100)
    const ended: string[] = []
    const neighbour = new Entry(() => ended.push('neighbour'))
    queue.add(
      new Entry(() => {
        queue.remove(neighbour)
        queue.add(new Entry(() => ended.push(`again at ${clock.now()}`)))
      }),
    )
    queue.add(neighbour)
    queue.add(new Entry(() => ended.push('last')))
    await clock.advance(100)
    // The added wait has one timer: it was armed while another wait expired, and not again afterwards.
    expect(clock.pending).toBe(1)
    await clock.advance(400)
    expect(ended).toEqual(['last', 'again at 200'])
    expect(clock.pending).toBe(0)
  })

  test('ends each wait in the context in which it began, not in that of the timer', async () => {
    const clock = virtualClock()
    const queue = new TimerQueue(clock, 100)
    const contexts = [continueTrace({}), undefined, continueTrace({})]
    const seen: (Ambient | undefined)[] = []
    for (const own of contexts) withAmbient(own, () => queue.add(new Entry(() => seen.push(ambient()))))
    await clock.advance(100)
    expect(seen).toEqual(contexts)
  })
})

describe('an empty queue of the system clock', () => {
  const HOUR_MS = 3_600_000

  /** Those of the queues below. The runner of the tests has shorter ones, which come and go. */
  const long: TimeoutOfNode[] = []
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'Timeout' && (resource as TimeoutOfNode)._idleTimeout >= HOUR_MS)
        long.push(resource as TimeoutOfNode)
    },
  }).enable()
  afterAll(() => hook.disable())

  /** How many timers of the queues keep this process alive. A cancelled one has a duration of -1. */
  const timers = (): number => long.filter((timer) => timer._idleTimeout > 0 && timer.hasRef()).length

  /** Waits for the sweep. */
  async function sweptTo(expected: number): Promise<void> {
    const limitMs = performance.now() + 5_000
    while (timers() !== expected && performance.now() < limitMs) await new Promise(setImmediate)
    expect(timers()).toBe(expected)
  }

  /** Returns how many timers a body sets. */
  function timersSet(body: () => void): number {
    let count = 0
    const hook = createHook({
      init(_id, type) {
        if (type === 'Timeout') count += 1
      },
    }).enable()
    try {
      body()
    } finally {
      hook.disable()
    }
    return count
  }

  test('uses one timer for many waits, one after another, and one for the sweep', async () => {
    const queue = new TimerQueue(systemClock, HOUR_MS)
    expect(timersSet(() => useOnce(queue))).toBe(2)
    expect(
      timersSet(() => {
        for (let n = 0; n < 1_000; n += 1) useOnce(queue)
      }),
    ).toBe(0)
    await sweptTo(0)
  })

  test('releases its timer soon, however long its duration is, and sets one for the next wait', async () => {
    const queue = new TimerQueue(systemClock, HOUR_MS)
    for (let n = 0; n < 3; n += 1) {
      useOnce(queue)
      expect(timers()).toBe(1)
      await sweptTo(0)
    }
  })

  test('keeps its timer while a call waits', async () => {
    const queue = new TimerQueue(systemClock, HOUR_MS)
    useOnce(queue)
    const entry = new Entry()
    queue.add(entry)
    // A second queue, because one timer sweeps both.
    const swept = new TimerQueue(systemClock, 2 * HOUR_MS)
    useOnce(swept)
    expect(timers()).toBe(2)
    await sweptTo(1)
    queue.remove(entry)
    await sweptTo(0)
  })

  test('makes room for other durations, and is shared again when it is used', async () => {
    const first = timerQueue(systemClock, HOUR_MS + 1)
    useOnce(first)
    for (let n = 2; n <= 1_000; n += 1) useOnce(timerQueue(systemClock, HOUR_MS + n))
    await sweptTo(0)
    expect(timerQueue(systemClock, 5_000)).toBe(timerQueue(systemClock, 5_000))
    useOnce(first)
    expect(timerQueue(systemClock, HOUR_MS + 1)).toBe(first)
  })

  test('sets a new timer if its timer is overdue: the environment of a test may have dropped it', () => {
    const queue = new TimerQueue(systemClock, HOUR_MS)
    useOnce(queue)
    const entry = new Entry()
    expect(timersSet(() => queue.add(entry, systemClock.now() + HOUR_MS + 1))).toBe(1)
    queue.remove(entry)
  })
})

describe('timerQueue', () => {
  test('returns one queue per duration and clock', () => {
    const [first, second] = [virtualClock(), virtualClock()]
    expect(timerQueue(first, 5)).toBe(timerQueue(first, 5))
    expect(timerQueue(first, 5)).not.toBe(timerQueue(first, 6))
    expect(timerQueue(first, 5)).not.toBe(timerQueue(second, 5))
  })

  test('shares at most a thousand queues, and returns a working separate queue beyond that', async () => {
    const clock = virtualClock()
    for (let delayMs = 1; delayMs <= 1_000; delayMs += 1) timerQueue(clock, delayMs)
    const beyond = timerQueue(clock, 5_000)
    expect(timerQueue(clock, 5_000)).not.toBe(beyond)
    let ended = false
    beyond.add(
      new Entry(() => {
        ended = true
      }),
    )
    await clock.advance(5_000)
    expect(ended).toBe(true)
    expect(timerQueue(clock, 7)).toBe(timerQueue(clock, 7))
  })
})
