import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../clock.ts'
import { CallRoot, CallState } from '../call.ts'
import { type Cancellation, CancelScope } from '../cancel-scope.ts'
import { runOf } from '../custom-policy.ts'
import { END, Failure, type Frame, passFailure, passValue, rejectInMicrotask, toPromise } from '../frame.ts'
import { operationLayer } from '../layer.ts'
import { settle } from '../settle.ts'

const CUT: Cancellation = { by: 'caller', reason: new Error('gone') }

const HOST = { name: 'test', clock: systemClock, random: Math.random, policies: [] }

const callIn = (scope: CancelScope | undefined): CallState =>
  new CallState(new CallRoot(HOST, undefined, 0), scope, 1, undefined)

const settled = (scope: CancelScope | undefined, result: unknown): Promise<unknown> =>
  toPromise(settle(result, callIn(scope), END))

/** A frame that notes what it hears, and passes it on. */
class Recorder implements Frame {
  readonly outer = END
  readonly heard: unknown[] = []

  onValue(value: unknown): unknown {
    this.heard.push(['value', value])
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): unknown {
    this.heard.push(['error', failure.error, failure.stillRunning])
    return passFailure(this.outer, failure)
  }
}

describe.each([
  ['in a scope', () => new CancelScope()],
  ['without a scope', () => undefined],
])('what settles %s', (_where, makeScope) => {
  test('settles as the work does', async () => {
    expect(await settled(makeScope(), 42)).toBe(42)
    expect(await settled(makeScope(), Promise.resolve(42))).toBe(42)
    await expect(settled(makeScope(), Promise.reject('down'))).rejects.toBe('down')
  })

  test('takes a thenable for a promise, and any other object for a value', async () => {
    expect(await settled(makeScope(), { then: (resolve: (value: number) => void) => resolve(7) })).toBe(7)
    const value = { stock: 42 }
    expect(await settled(makeScope(), value)).toBe(value)
  })

  test('does not ask a promise for a `then` of its own', async () => {
    const odd = Object.assign(Promise.resolve(1), {
      then: () => {
        throw new Error('asked')
      },
    })
    expect(await toPromise(settle(odd, callIn(makeScope()), new Recorder()))).toBe(1)
  })
})

describe('a cut', () => {
  test('ends the wait for what is deaf, with the reason of the cut; the frame is told of what is still at work', async () => {
    const scope = new CancelScope()
    const frame = new Recorder()
    const deaf = new Promise(() => {})
    const outcome = toPromise(settle(deaf, callIn(scope), frame))
    scope.cancel(CUT)
    await expect(outcome).rejects.toBe(CUT.reason)
    expect(frame.heard).toEqual([['error', CUT.reason, deaf]])
  })

  test('that comes while the operation is being called ends the call too', async () => {
    const scope = new CancelScope()
    const operation = (): Promise<never> => {
      scope.cancel(CUT)
      return Promise.reject(new Error('late'))
    }
    const outcome = toPromise(operationLayer.enter(callIn(scope), operation, END))
    await expect(outcome).rejects.toBe(CUT.reason)
  })

  test('that came before leaves the operation uncalled', async () => {
    const scope = new CancelScope()
    scope.cancel(CUT)
    const operation = vi.fn()
    await expect(runOf(operationLayer)(callIn(scope), operation)).rejects.toBe(CUT.reason)
    expect(operation).not.toHaveBeenCalled()
  })

  test('makes of a late rejection nothing, and nothing unhandled', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const scope = new CancelScope()
    let fail: (error: unknown) => void = () => {}
    const work = new Promise((_, reject) => {
      fail = reject
    })
    const outcome = settled(scope, work)
    scope.cancel(CUT)
    await expect(outcome).rejects.toBe(CUT.reason)
    fail(new Error('late'))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('from another context brings the call back into its own', async () => {
    const storage = new AsyncLocalStorage<string>()
    const scope = new CancelScope()
    const seen: unknown[] = []
    const frame: Frame = {
      outer: END,
      onValue: () => undefined,
      onFailure: (failure) => {
        seen.push(storage.getStore())
        return passFailure(END, failure)
      },
    }
    const outcome = storage.run('the call', () => toPromise(settle(new Promise(() => {}), callIn(scope), frame)))
    storage.run('the timer', () => scope.cancel(CUT))
    await expect(outcome).rejects.toBe(CUT.reason)
    expect(seen).toEqual(['the call'])
  })
})

test('a part of a shield settles when its work is done, and leaves the cut to who made it', async () => {
  const scope = new CancelScope()
  let finish: (value: number) => void = () => {}
  const outcome = runOf(operationLayer)(callIn(scope), () => new Promise<number>((resolve) => (finish = resolve)))
  scope.cancel(CUT)
  finish(42)
  expect(await outcome).toBe(42)
})

describe('a frame that throws', () => {
  const throwing: Frame = {
    outer: END,
    onValue: () => {
      throw new Error('a bug')
    },
    onFailure: () => {
      throw new Error('a bug')
    },
  }

  test('fails the call, from there on outwards', () => {
    const recorder = new Recorder()
    const inner: Frame = { ...throwing, outer: recorder }
    expect(passValue(inner, 1)).toBeInstanceOf(Failure)
    expect(passFailure(inner, new Failure('down', undefined))).toBeInstanceOf(Failure)
    expect(recorder.heard).toEqual([
      ['error', new Error('a bug'), undefined],
      ['error', new Error('a bug'), undefined],
    ])
  })
})

test('a rejection that waits for its caller is not reported as unhandled, and one that nobody takes is', async () => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  await expect(rejectInMicrotask('refused')).rejects.toBe('refused')
  await new Promise((resolve) => setImmediate(resolve))
  expect(unhandled).not.toHaveBeenCalled()
  void rejectInMicrotask('nobody')
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).toHaveBeenCalledTimes(1)
})
