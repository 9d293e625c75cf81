import type { CallState } from '../../core/engine/call.ts'
import { describe } from '../../core/events/events.ts'
import { isMisuse } from '../../core/misuse-error.ts'
import type { Classify, Outcome, Verdict } from '../../core/outcome.ts'
import { withCause } from '../../core/secondary-error.ts'
import { verdictOfFacts } from '../../errors/classification.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { synchronous } from '../../errors/options/synchronous.ts'

// All policies turn outcomes into verdicts here. An `Outcome` is allocated only for a user's classifier.

/** Returns the verdict on a value. Without a classifier every value is a success. */
export function judgeValue<R>(classify: Classify<R> | undefined, value: R, call: CallState): Verdict {
  return classify === undefined ? 'success' : checked(classify({ ok: true, value }, call))
}

/**
 * Returns the verdict on an error. The built-in rules come first: the caller's abort, a refusal by an inner policy and a
 * mistake in the program say nothing about the dependency, so they are ignored.
 */
export function judgeError<R>(classify: Classify<R> | undefined, error: unknown, call: CallState): Verdict {
  const facts = factsOf(error)
  if (call.scope?.cancellation?.by === 'caller' || facts?.refusal === true || isMisuse(error)) return 'ignored'
  if (classify === undefined) return verdictOfFacts(facts)
  const outcome: Outcome<R> = { ok: false, error }
  try {
    return checked(classify(outcome, call))
  } catch (failure) {
    throw withCause(failure, error)
  }
}

function checked(verdict: Verdict): Verdict {
  if (verdict === 'success' || verdict === 'failure' || verdict === 'ignored') return verdict
  synchronous(verdict, 'classify')
  throw new TypeError(`classify must return 'success', 'failure' or 'ignored', but returned ${describe(verdict)}`)
}
