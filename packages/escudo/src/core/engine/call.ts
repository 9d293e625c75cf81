import type { Clock } from '../clock.ts'
import type { Note } from '../note.ts'
import type { Random } from '../random.ts'
import type { CancelScope } from './cancel-scope.ts'

/** One run of an operation, as the operation sees it. It does not change; a retry or a timeout makes a new one. */
export interface Call {
  /** Aborts when the caller gives up, or when a timeout or deadline around the operation runs out. Made when first read. */
  readonly signal: AbortSignal
  /** From 1; 2 is the first retry. */
  readonly attempt: number
  /** The instant, on `clock`, after which nobody waits for the result. */
  readonly deadline: number | undefined
  /** Which tenant, user or resource the call is for, where a policy keeps state for each. */
  readonly key: string | undefined
  /** Higher goes first where calls queue. Default 0. */
  readonly priority: number
  /** Where the call's time comes from. */
  readonly clock: Clock
  /** Where the call's chance comes from. */
  readonly random: Random
}

/** What all calls of a shield have in common. */
export interface Host {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly policies: readonly { readonly name: string; readonly policy: { readonly type: string } }[]
}

/** What all attempts of a call have in common. */
export class CallRoot {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly host: Host
  declare readonly key: string | undefined
  declare readonly priority: number
  /** What policies noted of it: undefined as long as nothing went wrong. */
  declare notes: readonly Note[] | undefined

  constructor(host: Host, key: string | undefined, priority: number) {
    this.host = host
    this.key = key
    this.priority = priority
    this.notes = undefined
  }
}

/** The call as policies see it: with the scope that can cut it. */
export class CallState implements Call {
  declare readonly root: CallRoot
  /** What can cut this call; undefined when nothing can. */
  declare readonly scope: CancelScope | undefined
  /**
   * The scope that the call came with into the part of the shield that it is in: policies of somebody's own cut a shield
   * into parts. Whoever made that scope waits for its cut, partScope of this part.
   */
  declare readonly partScope: CancelScope | undefined
  declare readonly attempt: number
  declare readonly deadline: number | undefined
  /**
   * When the call was entered, where a policy has asked: policies that are entered at the same moment share one reading
   * of the clock, which costs as much as a policy. Undefined again after every wait.
   */
  declare enteredMs: number | undefined
  declare private ownSignal: AbortSignal | undefined

  constructor(
    root: CallRoot,
    scope: CancelScope | undefined,
    attempt: number,
    deadline: number | undefined,
    partScope?: CancelScope | undefined,
  ) {
    this.root = root
    this.scope = scope
    this.partScope = partScope
    this.attempt = attempt
    this.deadline = deadline
    this.enteredMs = undefined
    this.ownSignal = undefined
  }

  get clock(): Clock {
    return this.root.host.clock
  }

  get random(): Random {
    return this.root.host.random
  }

  get key(): string | undefined {
    return this.root.key
  }

  get priority(): number {
    return this.root.priority
  }

  get signal(): AbortSignal {
    if (this.scope !== undefined) return this.scope.signal
    // Nothing can cut this call, but its operation may hang listeners on the signal: one of its own, so that they go
    // when the call goes.
    this.ownSignal ??= new AbortController().signal
    return this.ownSignal
  }
}

/**
 * The call that a policy of somebody's own passes on: the one that it was given, or a copy, `{ ...call, attempt: 2 }`,
 * which has lost what the class computes. Another attempt, deadline, key or priority goes with it.
 *
 * @throws TypeError for what is no call, and for a copy that means to replace what it cannot
 */
export function callFromCustomPolicy(given: Call): CallState {
  if (given instanceof CallState) return given
  const copy = given as Partial<CallState> | undefined
  const root = copy?.root
  if (root?.host === undefined) throw new TypeError('next() takes the call that the policy was given, or a copy of it')
  const { scope, attempt = 1, deadline, signal, clock, random } = copy as Partial<CallState>
  const { host } = root
  if (signal !== undefined && signal !== scope?.signal) throw notReplaceable('signal')
  if (clock !== undefined && clock !== host.clock) throw notReplaceable('clock')
  if (random !== undefined && random !== host.random) throw notReplaceable('random')
  const { key = root.key, priority = root.priority } = copy as Partial<CallState>
  return new CallState(withKey(root, key, priority), scope, attempt, deadline)
}

function notReplaceable(name: string): TypeError {
  return new TypeError(`a copy of a call cannot have another '${name}'; pass what the operation needs to the operation`)
}

/** The same call with another key, for what stands inside. What is noted of it is noted of the call. */
function withKey(root: CallRoot, key: string | undefined, priority: number): CallRoot {
  if (key === root.key && priority === root.priority) return root
  return Object.defineProperty(new CallRoot(root.host, key, priority), 'notes', {
    get: () => root.notes,
    set: (notes: CallRoot['notes']) => {
      root.notes = notes
    },
  })
}

/** A call that nothing has cut yet and nothing can cut: what a shield begins with where its caller brings nothing. */
export function newCall(host: Host, key?: string, priority = 0): CallState {
  return new CallState(new CallRoot(host, key, priority), undefined, 1, undefined)
}

/** The same call as another attempt. */
export function withAttempt(call: Call, attempt: number): CallState {
  const { root, scope, deadline, partScope } = call as CallState
  return new CallState(root, scope, attempt, deadline, partScope)
}

/**
 * The same call inside a scope that ends at `deadline`, or at the call's own deadline where that is earlier or the scope
 * has none.
 */
export function withScope(call: Call, scope: CancelScope, deadline?: number): CallState {
  const { root, attempt, deadline: own, enteredMs, partScope } = call as CallState
  const earlier = deadline === undefined || (own !== undefined && own < deadline) ? own : deadline
  const inside = new CallState(root, scope, attempt, earlier, partScope)
  inside.enteredMs = enteredMs
  return inside
}

/** The same call in a part of the shield that begins here, perhaps after a wait. */
export function enterPart(call: Call): CallState {
  const { root, scope, attempt, deadline, partScope, enteredMs } = call as CallState
  if (partScope === scope && enteredMs === undefined) return call as CallState
  return new CallState(root, scope, attempt, deadline, scope)
}

/** When the call was entered: a reading of its clock, made by the first who asks. */
export function enteredMs(call: CallState): number {
  call.enteredMs ??= call.root.host.clock.now()
  return call.enteredMs
}

/** What all attempts of a call have in common. */
export function rootOf(call: Call): CallRoot {
  return (call as CallState).root
}

/** What can cut a call off; undefined when nothing can. */
export function scopeOf(call: Call): CancelScope | undefined {
  return (call as CallState).scope
}
