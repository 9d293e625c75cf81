import { describe, expect, test } from 'vitest'
import type { Binding } from '../../core/binding.ts'
import { CallRoot, CallState } from '../../core/engine/call.ts'
import { CancelScope, type Watcher } from '../../core/engine/cancel-scope.ts'
import { EventHub } from '../../core/events/events.ts'
import { adaptiveThrottle, definePolicy, type Policy, type Run, rateLimiter, shield } from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

/** Records its watchers. */
class CountingScope extends CancelScope {
  readonly watchers = new Set<Watcher>()

  override add(watcher: Watcher): void {
    this.watchers.add(watcher)
    super.add(watcher)
  }

  override remove(watcher: Watcher): void {
    this.watchers.delete(watcher)
    super.remove(watcher)
  }
}

const innermost: Run = async (call, operation) => await operation(call)

describe.each<[string, () => Policy]>([
  ['rateLimiter', () => rateLimiter({ limit: 1, per: 1, maxWait: '1s' })],
  ['adaptiveThrottle', () => adaptiveThrottle()],
])('%s', (_name, make) => {
  test('stops watching the cancel scope as soon as the call has passed it', async () => {
    const clock = virtualClock()
    const policy = make()
    const binding: Binding = {
      shield: 's',
      policy: policy.name,
      clock,
      random: Math.random,
      events: new EventHub(),
      stacks: false,
    }
    const run = policy.wrap(innermost, binding)
    const scope = new CountingScope()
    const operations: number[] = []
    const root = new CallRoot({ name: 's', clock, random: () => 0.999, policies: [] }, undefined, 0)
    const call = new CallState(root, scope, 1, undefined)
    const calls = [1, 2].map((n) => run(call, () => operations.push(n)))
    await clock.advance('1s')
    expect([await Promise.all(calls), scope.watchers.size]).toEqual([[1, 2], 0])
  })

  test('does not count a call that was cancelled before it arrived', async () => {
    const clock = virtualClock()
    const controller = new AbortController()
    const pause = definePolicy({
      name: 'pause',
      wrap: (next) => async (call, operation) => {
        controller.abort('gone')
        return await next(call, operation)
      },
    })
    const s = shield({ name: 's', clock }, pause, make())
    const before = s.status()
    await expect(s.run(() => 1, { signal: controller.signal })).rejects.toBe('gone')
    expect(s.status()).toEqual(before)
  })
})
