import { expect, test } from 'vitest'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { CancelScope, type Watcher } from '../cancel-scope.ts'
import { sleep } from '../sleep.ts'

/** A scope that counts its watchers. */
class CountingScope extends CancelScope {
  watching = 0

  override add(watcher: Watcher): void {
    this.watching += 1
    super.add(watcher)
  }

  override remove(watcher: Watcher): void {
    this.watching -= 1
    super.remove(watcher)
  }
}

test('waits for its delay, with or without a scope, and removes its timer and watcher', async () => {
  for (const scope of [undefined, new CountingScope()]) {
    const clock = virtualClock()
    let awake = false
    const sleeping = sleep(100, clock, scope).then(() => {
      awake = true
    })
    await clock.advance(99)
    expect(awake).toBe(false)
    await clock.advance(1)
    await sleeping
    expect(awake).toBe(true)
    expect([clock.pending, scope?.watching ?? 0]).toEqual([0, 0])
  }
})

test('wakes immediately when the scope is cancelled, and removes its timer and watcher', async () => {
  const clock = virtualClock()
  const scope = new CountingScope()
  const sleeping = sleep(100, clock, scope)
  expect([clock.pending, scope.watching]).toEqual([1, 1])
  scope.cancel({ by: 'caller', reason: 'gone' })
  await sleeping
  expect([clock.now(), clock.pending, scope.watching]).toEqual([0, 0, 0])
})

test('does not wait in a scope that is already cancelled', async () => {
  const clock = virtualClock()
  const scope = new CountingScope()
  scope.cancel({ by: 'caller', reason: 'gone' })
  await sleep(100, clock, scope)
  expect([clock.pending, scope.watching]).toEqual([0, 0])
})

test('waits for a timer of the clock even if the delay is 0', async () => {
  const clock = virtualClock()
  let awake = false
  const sleeping = sleep(0, clock, undefined).then(() => {
    awake = true
  })
  await Promise.resolve()
  expect(awake).toBe(false)
  await clock.advance(0)
  await sleeping
})
