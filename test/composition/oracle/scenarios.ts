import type { Manner, Script } from './model.ts'

/** One way in which a call can go. */
export interface Scenario {
  readonly name: string
  readonly script: Script
  readonly manner: Manner
  /** Whether an operation that takes no time returns or throws synchronously instead of in a promise. */
  readonly sync: boolean
  readonly deadlineMs?: number
  readonly abortAtMs?: number
  /** How many calls are made, each a second after the end of the previous one. Default 1. */
  readonly runs?: number
}

const always =
  (outcome: ReturnType<Script>['outcome'], afterMs = 0): Script =>
  () => ({ outcome, afterMs })

const NEVER = Number.POSITIVE_INFINITY

const immediate: readonly (readonly [string, Script, Partial<Scenario>?])[] = [
  ['a value', always('value')],
  ['a failure', always('down')],
  ['a failure that passes', (n) => ({ outcome: n === 1 ? 'down' : 'value', afterMs: 0 })],
  ['a business error', always('business')],
  ['a business error after a failure', (n) => ({ outcome: n === 1 ? 'down' : 'business', afterMs: 0 })],
  ['a refusal by an inner policy', always('refused')],
  ['a refusal by an inner policy after a failure', (n) => ({ outcome: n === 1 ? 'down' : 'refused', afterMs: 0 })],
  ['two calls for a value', always('value'), { runs: 2 }],
  ['a failure, then a call for a value', (n) => ({ outcome: n === 1 ? 'down' : 'value', afterMs: 0 }), { runs: 2 }],
  ["the caller's abort in the delay after a failure", always('down'), { abortAtMs: 5 }],
  ['a deadline in the delay after a failure', always('down'), { deadlineMs: 5 }],
]

const slow: readonly (readonly [string, Script, Partial<Scenario>?])[] = [
  ['a value that takes long', always('value', 120)],
  ['a failure that takes long', always('down', 120)],
  ['a business error that takes long', always('business', 120)],
  ['a value in time for its deadline', always('value', 120), { deadlineMs: 1_500 }],
  ['never settles, under a deadline', always('value', NEVER), { deadlineMs: 1_500 }],
  ['never settles, under a short deadline', always('value', NEVER), { deadlineMs: 30 }],
  ["never settles, until the caller's abort", always('value', NEVER), { abortAtMs: 500 }],
  ["the caller's immediate abort", always('value', NEVER), { abortAtMs: 1 }],
  [
    "the caller's abort of a second attempt",
    (n) => ({ outcome: 'down', afterMs: n === 1 ? 0 : NEVER }),
    { abortAtMs: 25 },
  ],
]

/** All ways in which a call can go: immediate ones sync and async, slow ones for each manner. */
export const SCENARIOS: readonly Scenario[] = [
  ...immediate.flatMap(([name, script, more]) =>
    [true, false].map((sync) => ({
      name: `${name}, ${sync ? 'sync' : 'async'}`,
      script,
      manner: 'ignores its signal' as const,
      sync,
      ...more,
    })),
  ),
  ...slow.flatMap(([name, script, more]) =>
    (['ignores its signal', 'obeys its signal'] as const).map((manner) => ({
      name: `${name}, ${manner}`,
      script,
      manner,
      sync: false,
      ...more,
    })),
  ),
]

/** For shields with a timeout only. Without one, these calls would never end. */
export const ENDLESS: readonly Scenario[] = (['ignores its signal', 'obeys its signal'] as const).map((manner) => ({
  name: `never settles, ${manner}`,
  script: always('value', NEVER),
  manner,
  sync: false,
}))
