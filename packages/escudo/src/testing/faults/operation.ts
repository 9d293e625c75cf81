import type { FaultEngine } from './engine.ts'
import { bodyTerminated, FaultError, socketError } from './errors.ts'
import { withBrokenBody } from './fetch.ts'
import type { FaultTarget } from './rule.ts'

/** Wraps an operation, so that its calls meet the engine's faults. */
export function faultyOperation<A extends unknown[], T, This>(
  engine: FaultEngine,
  operation: (this: This, ...args: A) => T | PromiseLike<T>,
  target: FaultTarget,
): (this: This, ...args: A) => Promise<T> {
  const wrapped = async function (this: This, ...args: A): Promise<T> {
    const injection = engine.decide(target)
    if (injection === undefined) return await operation.apply(this, args)
    const { fault, delayMs } = injection
    const signal = signalOf(args[0])
    if (!(await engine.delay(delayMs, signal))) return await operation.apply(this, args)
    if (fault.error !== undefined) throw socketError(fault.error)
    if (fault.status !== undefined) throw new FaultError(`status ${fault.status}`, fault.status)
    const value = await operation.apply(this, args)
    if (fault.body === undefined) return value
    if (value instanceof Response) return withBrokenBody(engine, value, fault.body, signal) as T
    if (fault.body === 'corrupt') throw new SyntaxError('injected fault: the result cannot be parsed')
    if (fault.body === 'stall') await engine.waitForHalt(signal)
    throw bodyTerminated()
  }
  return Object.defineProperties(wrapped, {
    name: { value: operation.name, configurable: true },
    length: { value: operation.length, configurable: true },
  })
}

/** The signal of the call, which a shield passes as the first argument. Read only for a call that meets a fault. */
function signalOf(first: unknown): AbortSignal | undefined {
  if (typeof first !== 'object' || first === null) return undefined
  const { signal } = first as { signal?: unknown }
  return signal instanceof AbortSignal ? signal : undefined
}
