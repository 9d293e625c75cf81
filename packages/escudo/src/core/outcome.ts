import type { Call } from './engine/call.ts'

/** What an operation did, as a value for classifiers. Operations themselves throw their errors. */
export type Outcome<R> = { readonly ok: true; readonly value: R } | { readonly ok: false; readonly error: unknown }

/** How a policy counts an outcome. `ignored` counts neither way: it says nothing about the dependency. */
export type Verdict = 'success' | 'failure' | 'ignored'

/**
 * Judges an outcome in place of the default rules. Returns the verdict.
 *
 * It is not called for the caller's abort and for refusals of inner policies: those are always `ignored`. It is called
 * for business errors. Without a classifier every value is a success.
 */
export type Classify<R = unknown> = (outcome: Outcome<R>, call: Call) => Verdict
