import { isRefusal } from '../errors/classification.ts'
import { read } from '../errors/safe-read.ts'
import type { CallRoot, Host } from './engine/call.ts'
import type { AttemptNote, Note } from './note.ts'

// What happened to a call that failed. While it happens, a policy that declines or gives up leaves a note on the call;
// when an error leaves the shield, it is remembered with the call's notes. Nothing is put together until somebody asks.

/**
 * Leaves a note on a call. The last one of each policy stands: that is the one that decided. Notes are replaced and never
 * changed, since an error that has left keeps those that there were, while other parts of its call may go on.
 */
export function addNote(root: CallRoot, note: Note): void {
  const { notes } = root
  root.notes = notes === undefined ? [note] : [...notes.filter(({ policy }) => policy !== note.policy), note]
}

/** Forgets, as another attempt begins, what policies inside of this one noted of an earlier attempt. */
export function forgetNotesInside(root: CallRoot, policy: string): void {
  if (root.notes === undefined) return
  const { policies } = root.host
  const place = policies.findIndex(({ name }) => name === policy)
  root.notes = root.notes.filter((note) => policies.findIndex(({ name }) => name === note.policy) <= place)
}

/** Leaves on a call what was noted of another one, which it waited for. */
export function copyNotes(from: CallRoot, to: CallRoot): void {
  for (const note of from.notes ?? []) addNote(to, note)
}

interface FailedCall {
  readonly root: CallRoot
  /** As they were when the error left. */
  readonly notes: readonly Note[]
  /** What was known of the same error already: it came through a shield further in. */
  readonly inside: FailedCall | undefined
  readonly depth: number
}

// One error object that is thrown again and again, through one shield after the other, remembers no more than this.
const DEPTH_MAX = 4

// A class that makes nothing, and gives back the object that it was given.
const Given = function given(object: object): object {
  return object
} as unknown as new (
  object: object,
) => object

/**
 * Puts a story on an error, whoever made it: a private field, which nobody sees and which goes with the error. It is
 * added by a constructor that was handed the error in place of a new object. A `WeakMap` would say the same more
 * plainly, and costs more than making the error does; every refusal of an outage would pay for it.
 */
class FailedCallOf extends Given {
  #story: FailedCall | undefined

  static get(error: object): FailedCall | undefined {
    return #story in error ? error.#story : undefined
  }

  static set(error: object, story: FailedCall): void {
    const holder = #story in error ? error : new FailedCallOf(error)
    holder.#story = story
  }
}

/** Remembers with which call an error left a shield. A string or a number has no place for that. */
export function rememberCall(error: unknown, root: CallRoot): void {
  if (!isObject(error)) return
  const inside = innerCall(FailedCallOf.get(error), root)
  try {
    FailedCallOf.set(error, {
      root,
      notes: root.notes ?? NO_NOTES,
      inside,
      depth: inside === undefined ? 1 : inside.depth + 1,
    })
  } catch {
    // An object that takes no more fields, private ones neither: its story is not told.
  }
}

const NO_NOTES: readonly Note[] = []

/** What a shield further in knew of the error. A policy of somebody's own has the same call leave twice. */
function innerCall(known: FailedCall | undefined, root: CallRoot): FailedCall | undefined {
  if (known === undefined || known.root === root) return known?.inside
  return known.root.host !== root.host && known.depth < DEPTH_MAX ? known : undefined
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** What became of one policy in a call that failed. */
export interface PolicyExplanation {
  /** Its name within the shield. */
  readonly name: string
  /** The factory's name: `retry`, `circuitBreaker`. */
  readonly type: string
  /**
   * What it did: a circuit breaker's state, `full`, `timed out`; `passed` where it let the call and its failure
   * through, and `not reached` where the last attempt did not come so far.
   */
  readonly state: string
  /** The counters that decided, as they were at that moment. */
  readonly [counter: string]: unknown
}

/** What happened to a call that failed. JSON-able. */
export interface Explanation {
  readonly shield: string
  /** All policies of the shield, outermost first. */
  readonly policies: readonly PolicyExplanation[]
  /** The attempts of its retry or hedge, oldest first, at most 32; empty where it has neither. */
  readonly attempts: readonly AttemptNote[]
  /** When it makes sense to come back, on the shield's clock, where a policy knows. */
  readonly retryAt?: number
  /** The same for a shield further in, where the error came through one. */
  readonly inside?: Explanation
}

/**
 * Tells what happened to a call that failed: the policies that it met, the state and counters that decided, the
 * attempts with their times, and when it makes sense to come back.
 *
 * The notes for it are taken where something goes wrong, and put together only here: a call that succeeds pays nothing.
 *
 * @param error what a shield's `run` rejected with, untouched: the explanation belongs to this very object
 * @returns undefined for anything that left no shield, and for what cannot be told apart: a string, a number. An object
 * that is thrown by several calls is explained by the last of them
 * @example
 * ```ts
 * import { circuitBreaker, consecutive, explain, shield } from 'escudo'
 *
 * const payments = shield('payments', circuitBreaker({ trip: consecutive(1), openFor: '10s' }))
 * await payments.run(() => Promise.reject(new Error('connection refused'))).catch(() => {})
 * const refusal = await payments.run(() => 'paid').catch((error) => error)
 * console.log(explain(refusal)?.policies) // [{ name: 'circuitBreaker', type: …, state: 'open', failures: 1, calls: 1, … }]
 * ```
 */
export function explain(error: unknown): Explanation | undefined {
  const story = isObject(error) ? FailedCallOf.get(error) : undefined
  return story === undefined ? undefined : explanationOf(error, story)
}

function explanationOf(error: unknown, { root, notes, inside }: FailedCall): Explanation {
  // Inside of the policy that declined to run the operation, the last attempt reached nothing.
  const refused = inside === undefined ? indexOfRefusal(error, root.host) : -1
  const retryAt = notes.find((note) => note.retryAt !== undefined)?.retryAt
  return {
    shield: root.host.name,
    policies: root.host.policies.map(({ name, policy: { type } }, place) => {
      const note = notes.find((one) => one.policy === name)
      const reached = refused === -1 || place <= refused
      return { name, type, state: note?.state ?? (reached ? 'passed' : 'not reached'), ...note?.facts }
    }),
    attempts: notes.flatMap(({ attempts = [] }) =>
      attempts.map(({ number, startedAt, durationMs, outcome }) => ({ number, startedAt, durationMs, outcome })),
    ),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(inside === undefined ? {} : { inside: explanationOf(error, inside) }),
  }
}

// A fallback whose function fails keeps the refusal as the cause of its error. How far down is looked.
const CAUSES_MAX = 4

/** Which policy of this shield declined to run the operation; -1 where none did. */
function indexOfRefusal(thrown: unknown, host: Host): number {
  let error = thrown
  for (let depth = 0; depth < CAUSES_MAX && isObject(error); depth += 1) {
    // Another shield may have the same name, and its policies too.
    const own = (FailedCallOf.get(error)?.root.host ?? host) === host
    if (own && isRefusal(error) && read(error, 'shield') === host.name) {
      const policy = read(error, 'policy')
      return host.policies.findIndex(({ name }) => name === policy)
    }
    error = read(error, 'cause')
  }
  return -1
}
