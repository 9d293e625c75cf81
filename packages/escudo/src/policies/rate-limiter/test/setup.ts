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

/** A shield with only a rate limiter, on a virtual clock. */
export interface SetUp {
  readonly clock: VirtualClock
  readonly s: Shield
  /** Starts a call. Fulfils with its name, or else the code of its refusal or the reason of its abort. */
  readonly call: (name: string, options?: RunOptions) => Promise<unknown>
  /** The names of the calls that ran, and when each started. */
  readonly started: (readonly [name: string, atMs: number])[]
  /** The limiter's part of the status, without name and type. */
  readonly status: () => Record<string, unknown>
}

/** Creates a shield with only a rate limiter. */
export function setUp(options: RateLimiterOptions): SetUp {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, rateLimiter(options))
  const started: (readonly [name: string, atMs: number])[] = []
  const call: SetUp['call'] = (name, runOptions) =>
    s
      .run(() => {
        started.push([name, clock.now()])
        return name
      }, runOptions)
      .catch((error) => error?.code ?? error)
  const status: SetUp['status'] = () => {
    const { name: _name, type: _type, ...rest } = s.status().policies[0] as Record<string, unknown>
    return rest
  }
  return { clock, s, call, started, status }
}

/** Returns the refusal of a call; fails the test if it is not rejected with one. */
export async function refusalOf(call: Promise<unknown>): Promise<RateLimitedError> {
  const error = await call.catch((thrown) => thrown)
  expect(error).toBeInstanceOf(RateLimitedError)
  return error as RateLimitedError
}
