import { type AdaptiveThrottleOptions, adaptiveThrottle, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

/** Creates a shield with only an adaptive throttle, on a virtual clock. */
export function setUp(options: AdaptiveThrottleOptions = {}, random: () => number = () => 0.999) {
  const clock = virtualClock()
  const s = shield({ name: 's', clock, random }, adaptiveThrottle(options))
  const counts = (): unknown[] => {
    const { requests, accepts, rejectionProbability } = s.status().policies[0] as Record<string, unknown>
    return [requests, accepts, rejectionProbability]
  }
  return { clock, s, counts }
}

/** An operation that fails. */
export const down = (): Promise<never> => Promise.reject(new Error('down'))

/** Returns the value of a call, or else the code of its error or its error. */
export const codeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error) => error?.code ?? error)
