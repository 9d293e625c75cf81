import type { Call } from './engine/call.ts'

/** What an operation did, as a value: for classifiers and events. Operations themselves throw, as JavaScript does. */
export type Outcome<R> = { readonly ok: true; readonly value: R } | { readonly ok: false; readonly error: unknown }

/** What a policy makes of an outcome. `ignored` counts neither way: it says nothing about the dependency. */
export type Verdict = 'success' | 'failure' | 'ignored'

/**
 * A user's own judgement of outcomes. It is asked after the built-in rules: the caller's abort and the refusals of
 * policies further in never reach it; business errors do.
 */
export type Classify<R = unknown> = (outcome: Outcome<R>, call: Call) => Verdict
