import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type Cancellation, CancelScope, Watcher } from '../cancel-scope.ts'

class Recorder extends Watcher {
  readonly cuts: Cancellation[] = []
  readonly #then: () => void

  constructor(then: () => void = () => {}) {
    super()
    this.#then = then
  }

  override onCancel(cut: Cancellation): void {
    this.cuts.push(cut)
    this.#then()
  }
}

const CUT: Cancellation = { by: 'caller', reason: new Error('gone') }

describe('a cut', () => {
  test('comes once: the first one stands', () => {
    const scope = new CancelScope()
    const watcher = new Recorder()
    watcher.watch(scope)
    scope.cancel(CUT)
    scope.cancel({ by: 'escudo', reason: 'later' })
    expect(scope.cancellation).toBe(CUT)
    expect(watcher.cuts).toEqual([CUT])
  })

  test('is told at once to who begins to watch afterwards', () => {
    const scope = new CancelScope()
    scope.cancel(CUT)
    const watcher = new Recorder()
    watcher.watch(scope)
    expect(watcher.cuts).toEqual([CUT])
    watcher.unwatch()
  })

  test('reaches every scope inside, however deep', () => {
    const scopes = [new CancelScope(), new CancelScope(), new CancelScope()]
    for (let inner = 1; inner < scopes.length; inner += 1)
      (scopes[inner] as CancelScope).watch(scopes[inner - 1] as CancelScope)
    const innermost = scopes[2] as CancelScope
    const { signal } = innermost
    scopes[0]?.cancel(CUT)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBe(CUT.reason)
  })

  test('of a scope inside does not reach the one outside', () => {
    const [outer, inner] = [new CancelScope(), new CancelScope()]
    inner.watch(outer)
    inner.cancel(CUT)
    expect(outer.cancellation).toBeUndefined()
    inner.unwatch()
    outer.cancel({ by: 'escudo', reason: 1 })
    expect(inner.cancellation).toBe(CUT)
  })

  test('reaches the watchers before the signal, so that permits are back when the code of a user runs', () => {
    const scope = new CancelScope()
    const order: string[] = []
    scope.signal.addEventListener('abort', () => order.push('signal'))
    new Recorder(() => order.push('watcher')).watch(scope)
    scope.cancel(CUT)
    expect(order).toEqual(['watcher', 'signal'])
  })

  test('is told to exactly those who watch, whoever leaves or comes meanwhile', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 30, size: 'max' }), fc.nat(9), fc.nat(9), (moves, leaver, left) => {
        const scope = new CancelScope()
        const watching = new Set<number>()
        const watchers: Recorder[] = Array.from(
          { length: 10 },
          (_, index) => new Recorder(index === leaver ? () => watchers[left]?.unwatch() : undefined),
        )
        for (const index of moves) {
          if (watching.delete(index)) watchers[index]?.unwatch()
          else {
            watching.add(index)
            watchers[index]?.watch(scope)
          }
        }
        scope.cancel(CUT)
        watchers.forEach(({ cuts }, index) => {
          if (index !== left) expect(cuts.length).toBe(watching.has(index) ? 1 : 0)
          else expect(cuts.length).toBeLessThanOrEqual(watching.has(index) ? 1 : 0)
        })
      }),
    )
  })
})

describe('the signal', () => {
  test('is made when it is first read, and the same one afterwards', () => {
    const made = vi.spyOn(globalThis, 'AbortController')
    const scope = new CancelScope()
    expect(made).not.toHaveBeenCalled()
    expect(scope.signal).toBe(scope.signal)
    expect(made).toHaveBeenCalledTimes(1)
    made.mockRestore()
  })

  test('that is read after the cut is aborted already, with the reason', () => {
    const scope = new CancelScope()
    scope.cancel(CUT)
    expect([scope.signal.aborted, scope.signal.reason]).toEqual([true, CUT.reason])
  })
})
