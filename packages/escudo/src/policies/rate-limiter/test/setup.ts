import { expect } from 'vitest'
import {
  RateLimitedError,
  type RateLimiterOptions,
  type RunOptions,
  rateLimiter,
  type Shield,
  shield,
} from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'

/** A shield of nothing but a rate limiter, on a clock that a test moves. */
export interface Rated {
  readonly clock: VirtualClock
  readonly s: Shield
  /** A call; gives its name, or the code of its refusal, or the reason of its abort. */
  readonly call: (name: string, options?: RunOptions) => Promise<unknown>
  /** What ran, and when. */
  readonly started: (readonly [name: string, atMs: number])[]
  /** The limiter's own part of the status. */
  readonly status: () => Record<string, unknown>
}

/** Makes one. */
export function setUp(options: RateLimiterOptions): Rated {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, rateLimiter(options))
  const started: (readonly [name: string, atMs: number])[] = []
  const call: Rated['call'] = (name, more) =>
    s
      .run(() => {
        started.push([name, clock.now()])
        return name
      }, more)
      .catch((error) => error?.code ?? error)
  const status: Rated['status'] = () => {
    const { name: _name, type: _type, ...rest } = s.status().policies[0] as Record<string, unknown>
    return rest
  }
  return { clock, s, call, started, status }
}

/** The refusal that a call comes to. */
export async function refusalOf(call: Promise<unknown>): Promise<RateLimitedError> {
  const error = await call.catch((thrown) => thrown)
  expect(error).toBeInstanceOf(RateLimitedError)
  return error as RateLimitedError
}
