import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../clock.ts'

// The tests replace the runtime's timers by fake ones, so that no test waits.
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('systemClock', () => {
  test('fires once, after the delay', () => {
    const fire = vi.fn()
    systemClock.setTimer(fire, 100)
    vi.advanceTimersByTime(99)
    expect(fire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(fire).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(1_000)
    expect(fire).toHaveBeenCalledTimes(1)
  })

  test('waits in several steps for a delay above 2^31-1 ms', () => {
    for (const delayMs of [2 ** 31 - 1, 2 ** 31, 2 ** 32 + 5, 3 * 2 ** 31]) {
      const fire = vi.fn()
      systemClock.setTimer(fire, delayMs)
      vi.advanceTimersByTime(delayMs - 1)
      expect(fire).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(fire).toHaveBeenCalledTimes(1)
    }
    expect(vi.getTimerCount()).toBe(0)
  })

  test('never fires a cancelled timer, even after its first step', () => {
    const fire = vi.fn()
    const cancel = systemClock.setTimer(fire, 2 ** 31 + 10)
    vi.advanceTimersByTime(2 ** 31)
    cancel()
    cancel()
    vi.advanceTimersByTime(2 ** 32)
    expect(fire).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('ignores a cancellation after the timer fired', () => {
    const fire = vi.fn()
    const cancel = systemClock.setTimer(fire, 1)
    vi.advanceTimersByTime(1)
    cancel()
    vi.advanceTimersByTime(10)
    expect(fire).toHaveBeenCalledTimes(1)
  })
})

describe('systemClock and the wall clock', () => {
  test('is not affected by a jump of the wall clock in either direction', () => {
    const before = systemClock.now()
    vi.setSystemTime(Date.now() + 3_600_000)
    expect(systemClock.now() - before).toBeLessThan(1_000)
    vi.setSystemTime(Date.now() - 7_200_000)
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
  })
})

test('background timers are not referenced', () => {
  vi.useRealTimers()
  const referenced = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const idle = referenced()
  const cancel = systemClock.setTimer(() => {}, 1e9, { background: true })
  expect(referenced()).toBe(idle)
  cancel()
  const foreground = systemClock.setTimer(() => {}, 1e9)
  expect(referenced()).toBe(idle + 1)
  foreground()
  expect(referenced()).toBe(idle)
})

test('a runtime whose timers are plain numbers ignores the background setting', () => {
  vi.useRealTimers()
  vi.stubGlobal('setTimeout', () => 7)
  vi.stubGlobal('clearTimeout', () => {})
  try {
    const cancel = systemClock.setTimer(() => {}, 5, { background: true })
    expect(cancel).not.toThrow()
  } finally {
    vi.unstubAllGlobals()
  }
})
