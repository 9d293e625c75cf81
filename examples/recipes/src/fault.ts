// What an error of a dependency means for retries and for the circuit breaker.
import { attemptsOf, type Classify } from 'escudo'

/**
 * - `transient`: the dependency is down or busy, and the operation has changed nothing. Any operation may be retried.
 * - `unknown`: the answer was lost, so the operation may have been executed. Only an idempotent one may be retried.
 * - `caller`: the request is wrong. It fails again each time, and says nothing about the health of the dependency.
 * - `never`: the dependency or its configuration is wrong. It counts as a failure, but a retry does not help.
 */
export type Fault = 'transient' | 'unknown' | 'caller' | 'never'

/** Returns what an error means. There is one such function per dependency. */
export type FaultOf = (error: unknown) => Fault

/**
 * Returns what an error means that a shield with a retry threw: that of its last attempt, unless that one says less than
 * an earlier one. After a lost answer, a refused connection does not tell that nothing was executed.
 */
export function faultOfCall(faultOf: FaultOf): FaultOf {
  return (error) => {
    const fault = faultOf(error)
    if (fault !== 'transient') return fault
    return attemptsOf(error).every((attempt) => faultOf(attempt.error) === 'transient') ? 'transient' : 'unknown'
  }
}

/** For `circuitBreaker({ classify })`: everything except the caller's faults is a failure. */
export function countFaults(faultOf: FaultOf): Classify {
  return (outcome) => {
    if (outcome.ok) return 'success'
    return faultOf(outcome.error) === 'caller' ? 'ignored' : 'failure'
  }
}

/** For `retry({ classify })` around operations that may run twice: reads, and writes with an idempotency key. */
export function retryIdempotent(faultOf: FaultOf): Classify {
  return (outcome) => {
    if (outcome.ok) return 'success'
    const fault = faultOf(outcome.error)
    return fault === 'transient' || fault === 'unknown' ? 'failure' : 'ignored'
  }
}

/** For `retry({ classify })` around all other operations: no retry after an attempt that may have been executed. */
export function retryUnexecuted(faultOf: FaultOf): Classify {
  return (outcome) => {
    if (outcome.ok) return 'success'
    // The operation may contain a shield with a retry.
    return faultOfCall(faultOf)(outcome.error) === 'transient' ? 'failure' : 'ignored'
  }
}
