import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../clock.ts'
import { CallRoot, CallState } from '../call.ts'
import { type Cancellation, CancelScope } from '../cancel-scope.ts'
import { runOf } from '../custom-policy.ts'
import { END, Failure, type Frame, passFailure, passValue, rejectInMicrotask, toPromise } from '../frame.ts'
import { operationLayer } from '../layer.ts'
import { settle } from '../settle.ts'

const CANCELLATION: Cancellation = { by: 'caller', reason: new Error('gone') }

const HOST = { name: 'test', clock: systemClock, random: Math.random, policies: [] }

const callIn = (scope: CancelScope | undefined): CallState =>
  new CallState(new CallRoot(HOST, undefined, 0), scope, 1, undefined)

const settled = (scope: CancelScope | undefined, result: unknown): Promise<unknown> =>
  toPromise(settle(result, callIn(scope), END))

/** A frame that records the outcomes that it receives, and passes them on. */
class Recorder implements Frame {
  readonly outer = END
  readonly received: unknown[] = []

  onValue(value: unknown): unknown {
    this.received.push(['value', value])
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): unknown {
    this.received.push(['error', failure.error, failure.stillRunning])
    return passFailure(this.outer, failure)
  }
}

describe.each([
  ['in a scope', () => new CancelScope()],
  ['without a scope', () => undefined],
])('a result %s', (_where, makeScope) => {
  test('settles the call as the work settles', async () => {
    expect(await settled(makeScope(), 42)).toBe(42)
    expect(await settled(makeScope(), Promise.resolve(42))).toBe(42)
    await expect(settled(makeScope(), Promise.reject('down'))).rejects.toBe('down')
  })

  test('is awaited if it is a thenable, and is a value if it is another object', async () => {
    expect(await settled(makeScope(), { then: (resolve: (value: number) => void) => resolve(7) })).toBe(7)
    const value = { stock: 42 }
    expect(await settled(makeScope(), value)).toBe(value)
  })

  test('is awaited with the original `then` if a promise overrides it', async () => {
    const overridden = Object.assign(Promise.resolve(1), {
      then: () => {
        throw new Error('called')
      },
    })
    expect(await toPromise(settle(overridden, callIn(makeScope()), new Recorder()))).toBe(1)
  })
})

describe('a cancellation', () => {
  test('ends the wait with its reason, and gives the frame the work that is still running', async () => {
    const scope = new CancelScope()
    const frame = new Recorder()
    const stillRunning = new Promise(() => {})
    const outcome = toPromise(settle(stillRunning, callIn(scope), frame))
    scope.cancel(CANCELLATION)
    await expect(outcome).rejects.toBe(CANCELLATION.reason)
    expect(frame.received).toEqual([['error', CANCELLATION.reason, stillRunning]])
  })

  test('during the call of the operation ends the call with its reason', async () => {
    const scope = new CancelScope()
    const operation = (): Promise<never> => {
      scope.cancel(CANCELLATION)
      return Promise.reject(new Error('late'))
    }
    const outcome = toPromise(operationLayer.enter(callIn(scope), operation, END))
    await expect(outcome).rejects.toBe(CANCELLATION.reason)
  })

  test('before the call means that the operation is never called', async () => {
    const scope = new CancelScope()
    scope.cancel(CANCELLATION)
    const operation = vi.fn()
    await expect(runOf(operationLayer)(callIn(scope), operation)).rejects.toBe(CANCELLATION.reason)
    expect(operation).not.toHaveBeenCalled()
  })

  test('makes a late rejection have no effect, and leaves it handled', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const scope = new CancelScope()
    let fail: (error: unknown) => void = () => {}
    const work = new Promise((_, reject) => {
      fail = reject
    })
    const outcome = settled(scope, work)
    scope.cancel(CANCELLATION)
    await expect(outcome).rejects.toBe(CANCELLATION.reason)
    fail(new Error('late'))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('runs the frames in the context of the call, not in that of the canceller', async () => {
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
    storage.run('the timer', () => scope.cancel(CANCELLATION))
    await expect(outcome).rejects.toBe(CANCELLATION.reason)
    expect(seen).toEqual(['the call'])
  })
})

test('a part of a shield ignores the cancellation of an outer scope and waits for its work', async () => {
  const scope = new CancelScope()
  let finish: (value: number) => void = () => {}
  const outcome = runOf(operationLayer)(callIn(scope), () => new Promise<number>((resolve) => (finish = resolve)))
  scope.cancel(CANCELLATION)
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

  test('passes its error to the next frame outwards', () => {
    const recorder = new Recorder()
    const inner: Frame = { ...throwing, outer: recorder }
    expect(passValue(inner, 1)).toBeInstanceOf(Failure)
    expect(passFailure(inner, new Failure('down', undefined))).toBeInstanceOf(Failure)
    expect(recorder.received).toEqual([
      ['error', new Error('a bug'), undefined],
      ['error', new Error('a bug'), undefined],
    ])
  })
})

test('rejectInMicrotask() is reported as unhandled only if its promise is not awaited', async () => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  await expect(rejectInMicrotask('refused')).rejects.toBe('refused')
  await new Promise((resolve) => setImmediate(resolve))
  expect(unhandled).not.toHaveBeenCalled()
  void rejectInMicrotask('not awaited')
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).toHaveBeenCalledTimes(1)
})
