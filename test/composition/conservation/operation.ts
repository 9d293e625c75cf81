import type { Call, Clock, Operation } from 'escudo'
import { OwnError, TOO_LATE, type Tracked } from './tracked.ts'

const BUSINESS = { [Symbol.for('escudo.error')]: { code: 'NO', status: 409, kind: 'business' }, business: true }
const FINAL = { [Symbol.for('escudo.error')]: { code: 'DOWN', status: 502, kind: 'technical', retry: 'never' } }

/** What an operation needs to misbehave. */
export interface Mood {
  readonly clock: Clock
  readonly random: () => number
  /** The share of failures, now. */
  readonly failures: number
  /** Longer than this an attempt may not take. */
  readonly attemptMs: number
  /** Told when an operation that took some time ends by itself, before anybody hears of its end. */
  readonly onEnd: () => void
  /** Told of what must not happen. */
  readonly wrong: (what: string) => void
}

/** An operation that draws at each attempt what it does: all kinds of success and failure, sync and async. */
export function moody(tracked: Tracked, mood: Mood): Operation<unknown> {
  return (call) => {
    const problem = tracked.attempt()
    if (problem !== undefined) mood.wrong(problem)
    const { random } = mood
    if (random() < 0.03) throw new OwnError(tracked, BUSINESS)
    return random() < mood.failures ? fail(tracked, call, mood) : succeed(tracked, mood)
  }
}

function succeed(tracked: Tracked, { clock, random, attemptMs, onEnd }: Mood): unknown {
  const value = (): Tracked => {
    tracked.valueAt = clock.now()
    return tracked
  }
  const how = random()
  if (how < 0.2) return value()
  if (how < 0.5) return Promise.resolve(value())
  return new Promise((resolve) => {
    const end = (): void => {
      onEnd()
      resolve(value())
    }
    clock.setTimer(end, random() * attemptMs * 0.8)
  })
}

function fail(tracked: Tracked, call: Call, { clock, random, attemptMs }: Mood): unknown {
  const later = (act: () => void, ms: number): void => void clock.setTimer(act, ms)
  switch (Math.floor(random() * 8)) {
    case 0:
      throw new OwnError(tracked)
    case 1:
      return Promise.reject(new OwnError(tracked))
    case 2:
      return Promise.reject(new OwnError(tracked, FINAL))
    case 3:
      return Promise.reject(new OwnError(tracked, { retryAfterMs: random() * attemptMs }))
    case 4:
      // Deaf, for ever.
      return new Promise(() => {})
    case 5:
      // Deaf, and comes to something when nobody waits any more: half of them to a rejection that nobody may hear of.
      return new Promise((resolve, reject) => {
        const end = random() < 0.5 ? () => resolve(TOO_LATE) : () => reject(new OwnError(tracked))
        later(end, attemptMs * (1.1 + random()))
      })
    case 6:
      // Listens, and ends at once when it is cut off, with an error of its own.
      return new Promise((_, reject) => {
        call.signal.addEventListener('abort', () => reject(new OwnError(tracked)), { once: true })
      })
    default:
      return new Promise((_, reject) => later(() => reject(new OwnError(tracked)), random() * attemptMs * 0.8))
  }
}
