import type { Clock } from '../clock.ts'
import type { Note } from '../note.ts'
import type { Random } from '../random.ts'

/** What a limiter has charged for an attempt of a call whose caller passed a cost. */
export interface Charge {
  /** The limiter. */
  readonly by: object
  readonly attempt: number
  /** Corrects the charge to the actual cost. Undefined once it is settled. */
  settle: ((actual: number) => void) | undefined
}

/** The time that the reader of an iteration has taken. Present once the reader has received an item. */
export interface ReaderTime {
  takenMs: number
  /** When the reader received the item that it has now; undefined while it waits for one. */
  sinceMs: number | undefined
}

/** The data that all calls of a shield share. */
export interface Host {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly policies: readonly { readonly name: string; readonly policy: { readonly type: string } }[]
}

// The number of a call among all calls of the process, and three facts about it, share one 32-bit integer: separate
// fields would make every call larger and slower. The number wraps around.
const CALLED = 1
const DEGRADED = 2
const ABANDONED = 4
const NEXT_NUMBER = 8

let lastNumber = 0

/** Whether a call started after another one. Wrong only if more than 2^28 calls started between the two. */
export function startedAfter(later: CallRoot, earlier: CallRoot): boolean {
  // All facts together are less than the distance between two numbers, so they cannot change the sign.
  return ((later.numberAndFacts - earlier.numberAndFacts) | 0) > 0
}

/** The data that all attempts of a call share. */
export class CallRoot {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly host: Host
  declare readonly key: string | undefined
  declare readonly priority: number
  /** The notes of the policies; undefined as long as nothing went wrong. */
  declare notes: readonly Note[] | undefined
  /** Read it with {@link startedAfter} and the getters below. */
  declare numberAndFacts: number
  /** The signal of a call that nothing can cancel. Added on first access: few operations read it. */
  declare ownSignal?: AbortSignal
  /** What the caller says that the call costs. Only calls with the option have it. */
  declare cost?: number
  /** What rate limiters have charged. Only calls with a cost have it. */
  declare charges?: Charge[]
  /** The arguments of a wrapped function. */
  declare args?: readonly unknown[]
  /** Added when a call of `iterate` has delivered its first item: the call must then not run again. */
  declare readerTime?: ReaderTime

  constructor(host: Host, key: string | undefined, priority: number) {
    this.host = host
    this.key = key
    this.priority = priority
    this.notes = undefined
    lastNumber = (lastNumber + NEXT_NUMBER) | 0
    this.numberAndFacts = lastNumber
  }

  /** Whether the operation was called. */
  get called(): boolean {
    return (this.numberAndFacts & CALLED) !== 0
  }

  /** Whether a fallback or a stale value replaced a failure of this call. Recorded only while calls are watched. */
  get isDegraded(): boolean {
    return (this.numberAndFacts & DEGRADED) !== 0
  }

  /** True if no caller waits for this call any more: its errors, such as the reason of its signal, have left others. */
  get isAbandoned(): boolean {
    return (this.numberAndFacts & ABANDONED) !== 0
  }

  markCalled(): void {
    this.numberAndFacts |= CALLED
  }

  markDegraded(): void {
    this.numberAndFacts |= DEGRADED
  }

  markAbandoned(): void {
    this.numberAndFacts |= ABANDONED
  }
}

// What a copy shares with the original call: it is the same call for all that policies record.
const SHARED_BY_COPIES = ['notes', 'numberAndFacts', 'ownSignal', 'args', 'cost', 'charges', 'readerTime'] as const

/**
 * The root of the same call with another key or priority for the inner policies. What policies record about it is recorded
 * about the original call.
 */
export function copiedRoot(root: CallRoot, key: string | undefined, priority: number): CallRoot {
  if (key === root.key && priority === root.priority) return root
  const copy = new CallRoot(root.host, key, priority)
  for (const name of SHARED_BY_COPIES) {
    Object.defineProperty(copy, name, {
      get: () => root[name],
      set: (value: never) => {
        root[name] = value
      },
    })
  }
  return copy
}

/** The root of a call of a function that `wrap` has wrapped. A separate class, because other calls have no arguments. */
class WrappedRoot extends CallRoot {
  declare readonly args: readonly unknown[]

  constructor(host: Host, key: string | undefined, priority: number, args: readonly unknown[]) {
    super(host, key, priority)
    this.args = args
  }
}

/** Makes the root of a call: of a wrapped function if there are arguments. */
export function newRoot(
  host: Host,
  key: string | undefined,
  priority: number,
  args: readonly unknown[] | undefined,
): CallRoot {
  return args === undefined ? new CallRoot(host, key, priority) : new WrappedRoot(host, key, priority, args)
}

/**
 * Makes the root of a detached call: what the caller passed, and separate notes. Its operation also settles what the
 * limiters outside have charged the caller.
 */
export function detachedRoot(attached: CallRoot): CallRoot {
  const { host, key, priority, args, cost } = attached
  const root = newRoot(host, key, priority, args)
  if (cost === undefined) return root
  attached.charges ??= []
  root.cost = cost
  root.charges = attached.charges
  return root
}
