import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type Cancellation, CancelScope, Watcher } from '../cancel-scope.ts'

class Recorder extends Watcher {
  readonly received: Cancellation[] = []
  readonly #then: () => void

  constructor(then: () => void = () => {}) {
    super()
    this.#then = then
  }

  override onCancel(cancellation: Cancellation): void {
    this.received.push(cancellation)
    this.#then()
  }
}

const CANCELLATION: Cancellation = { by: 'caller', reason: new Error('gone') }

describe('a cancellation', () => {
  test('happens once: the first one counts', () => {
    const scope = new CancelScope()
    const watcher = new Recorder()
    watcher.watch(scope)
    scope.cancel(CANCELLATION)
    scope.cancel({ by: 'escudo', reason: 'later' })
    expect(scope.cancellation).toBe(CANCELLATION)
    expect(watcher.received).toEqual([CANCELLATION])
  })

  test('notifies a later watcher immediately', () => {
    const scope = new CancelScope()
    scope.cancel(CANCELLATION)
    const watcher = new Recorder()
    watcher.watch(scope)
    expect(watcher.received).toEqual([CANCELLATION])
    watcher.unwatch()
  })

  test('reaches every scope inside, however deep', () => {
    const scopes = [new CancelScope(), new CancelScope(), new CancelScope()]
    for (let inner = 1; inner < scopes.length; inner += 1)
      (scopes[inner] as CancelScope).watch(scopes[inner - 1] as CancelScope)
    const innermost = scopes[2] as CancelScope
    const { signal } = innermost
    scopes[0]?.cancel(CANCELLATION)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBe(CANCELLATION.reason)
  })

  test('of an inner scope does not reach the outer scope', () => {
    const [outer, inner] = [new CancelScope(), new CancelScope()]
    inner.watch(outer)
    inner.cancel(CANCELLATION)
    expect(outer.cancellation).toBeUndefined()
    inner.unwatch()
    outer.cancel({ by: 'escudo', reason: 1 })
    expect(inner.cancellation).toBe(CANCELLATION)
  })

  test('reaches the watchers before the signal, so that permits are released before user code', () => {
    const scope = new CancelScope()
    const order: string[] = []
    scope.signal.addEventListener('abort', () => order.push('signal'))
    new Recorder(() => order.push('watcher')).watch(scope)
    scope.cancel(CANCELLATION)
    expect(order).toEqual(['watcher', 'signal'])
  })

  test('notifies exactly the current watchers, even if one removes another meanwhile', () => {
    const moves = fc.array(fc.nat(9), { maxLength: 30, size: 'max' })
    fc.assert(
      fc.property(moves, fc.nat(9), fc.nat(9), (order, remover, removed) => {
        const scope = new CancelScope()
        const watching = new Set<number>()
        const watchers: Recorder[] = Array.from(
          { length: 10 },
          (_, index) => new Recorder(index === remover ? () => watchers[removed]?.unwatch() : undefined),
        )
        for (const index of order) {
          if (watching.delete(index)) watchers[index]?.unwatch()
          else {
            watching.add(index)
            watchers[index]?.watch(scope)
          }
        }
        scope.cancel(CANCELLATION)
        watchers.forEach(({ received }, index) => {
          if (index !== removed) expect(received.length).toBe(watching.has(index) ? 1 : 0)
          else expect(received.length).toBeLessThanOrEqual(watching.has(index) ? 1 : 0)
        })
      }),
    )
  })
})

describe('the signal', () => {
  test('is created on first access, and is the same one afterwards', () => {
    const created = vi.spyOn(globalThis, 'AbortController')
    const scope = new CancelScope()
    expect(created).not.toHaveBeenCalled()
    expect(scope.signal).toBe(scope.signal)
    expect(created).toHaveBeenCalledTimes(1)
    created.mockRestore()
  })

  test('is already aborted, with the reason, if it is first read after the cancellation', () => {
    const scope = new CancelScope()
    scope.cancel(CANCELLATION)
    expect([scope.signal.aborted, scope.signal.reason]).toEqual([true, CANCELLATION.reason])
  })
})
