import type { Call, Clock, Operation } from 'escudo'
import { OperationError, TOO_LATE, type Tracked } from './tracked.ts'

const BUSINESS = { [Symbol.for('escudo.error')]: { code: 'NO', status: 409, kind: 'business' }, business: true }
const FINAL = { [Symbol.for('escudo.error')]: { code: 'DOWN', status: 502, kind: 'technical', retry: 'never' } }

/** How an operation behaves at this moment. */
export interface Behaviour {
  readonly clock: Clock
  readonly random: () => number
  /** The share of attempts that fail. */
  readonly failures: number
  /** The attempt timeout. */
  readonly attemptMs: number
  /** Called when an operation that took some time returns, before its promise settles. */
  readonly onEnd: () => void
  /** Reports what must not happen. */
  readonly onProblem: (problem: string) => void
}

/** An operation whose attempts succeed or fail at random, in all ways, sync and async. */
export function randomOperation(tracked: Tracked, behaviour: Behaviour): Operation<unknown> {
  return (call) => {
    const problem = tracked.attempt()
    if (problem !== undefined) behaviour.onProblem(problem)
    const { random, failures } = behaviour
    if (random() < 0.03) throw new OperationError(tracked, BUSINESS)
    return random() < failures ? fail(tracked, call, behaviour) : succeed(tracked, behaviour)
  }
}

function succeed(tracked: Tracked, { clock, random, attemptMs, onEnd }: Behaviour): unknown {
  const value = (): Tracked => {
    tracked.valueAt = clock.now()
    return tracked
  }
  const draw = random()
  if (draw < 0.2) return value()
  if (draw < 0.5) return Promise.resolve(value())
  return new Promise((resolve) => {
    const end = (): void => {
      onEnd()
      resolve(value())
    }
    clock.setTimer(end, random() * attemptMs * 0.8)
  })
}

function fail(tracked: Tracked, call: Call, { clock, random, attemptMs }: Behaviour): unknown {
  const later = (act: () => void, ms: number): void => void clock.setTimer(act, ms)
  switch (Math.floor(random() * 8)) {
    case 0:
      throw new OperationError(tracked)
    case 1:
      return Promise.reject(new OperationError(tracked))
    case 2:
      return Promise.reject(new OperationError(tracked, FINAL))
    case 3:
      return Promise.reject(new OperationError(tracked, { retryAfterMs: random() * attemptMs }))
    case 4:
      // Ignores its signal and never settles.
      return new Promise(() => {})
    case 5:
      // Ignores its signal and settles after its timeout. Half of these reject, which must not be an unhandled rejection.
      return new Promise((resolve, reject) => {
        const end = random() < 0.5 ? () => resolve(TOO_LATE) : () => reject(new OperationError(tracked))
        later(end, attemptMs * (1.1 + random()))
      })
    case 6:
      // Listens to its signal and rejects immediately, with its own error.
      return new Promise((_, reject) => {
        call.signal.addEventListener('abort', () => reject(new OperationError(tracked)), { once: true })
      })
    default:
      return new Promise((_, reject) => later(() => reject(new OperationError(tracked)), random() * attemptMs * 0.8))
  }
}
