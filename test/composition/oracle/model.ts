// A model of a call through any policies in any order: its outcome, and when it ends. It follows the rules of the
// documentation, with one small function per policy, without promises, timers or signals. Time is a number.

/** The outcome of a call or of a part of it. */
export type Outcome = 'value' | 'down' | 'business' | 'refused' | 'fallback' | 'timeout' | 'deadline' | 'gone' | 'lost'

/** The end of a call or of a part of it. */
export interface End {
  readonly outcome: Outcome
  readonly at: number
  /** Until when a cancelled operation is still running and keeps its permit. */
  readonly runningUntil?: number | undefined
  /** The same if a policy in between settled at the cancellation, so that only the engine knows about the operation. */
  readonly lateUntil?: number | undefined
}

/** What cancels a part of a call, and when. */
export interface Cancellation {
  readonly at: number
  readonly reason: Outcome
  readonly by: 'caller' | 'escudo'
}

/** What a part of a call receives from the policies outside it. */
export interface Context {
  readonly cancellation: Cancellation
  /** The value of `call.deadline`. */
  readonly deadline: number
}

/** The outcome of the operation's nth call, and how long it takes. */
export type Script = (n: number) => {
  readonly outcome: 'value' | 'down' | 'business' | 'refused'
  readonly afterMs: number
}

/** How the operation reacts to the abort of its signal. */
export type Manner = 'ignores its signal' | 'obeys its signal'

/** The state of the model across all calls. */
export class World {
  calls = 0
  readonly script: Script
  readonly manner: Manner
  /** The name of the policy that refuses every call. */
  readonly refusing: string | undefined
  /** The counters of each policy, as its status shows them. */
  readonly counters = new Map<string, Record<string, number>>()
  readonly events: Record<string, number> = {}
  /** The permits of limits that cancelled operations keep while they are still running. */
  readonly taken: { readonly name: string; readonly until: number }[] = []
  /** Whether an operation was still running after its cancellation. */
  hadLateWork = false
  /** What each policy keeps from call to call, by its name. */
  readonly memory = new Map<string, End>()

  constructor(script: Script, manner: Manner, refusing?: string) {
    this.script = script
    this.manner = manner
    this.refusing = refusing
  }

  /** Adds to one of a policy's counters. */
  count(name: string, counter: string, by = 1): void {
    const counters = this.counters.get(name) as Record<string, number>
    counters[counter] = (counters[counter] ?? 0) + by
  }

  set(name: string, counter: string, value: number): void {
    ;(this.counters.get(name) as Record<string, number>)[counter] = value
  }

  /** Takes a permit of a limit for as long as the operation is still running. */
  take(name: string, until: number | undefined): void {
    if (until !== undefined) this.taken.push({ name, until })
  }

  emit(event: string): void {
    this.events[event] = (this.events[event] ?? 0) + 1
  }
}

/** A part of a call: a policy with everything inside it, or the operation. */
export type Part = (world: World, at: number, context: Context) => End

export const isCancelled = ({ cancellation }: Context, { at }: End): boolean => cancellation.at <= at
export const hasAnswer = ({ outcome }: End): boolean => outcome === 'value' || outcome === 'fallback'
export const isFailure = ({ outcome }: End): boolean =>
  outcome === 'down' || outcome === 'timeout' || outcome === 'deadline'

/** The verdict of a policy on the end of the part inside it. */
export function verdictOn(end: End, context: Context): 'success' | 'failure' | 'ignored' {
  if (isCancelled(context, end)) return context.cancellation.by === 'caller' ? 'ignored' : 'failure'
  if (hasAnswer(end)) return 'success'
  return isFailure(end) ? 'failure' : 'ignored'
}

/** The end of a part that is cancelled. */
export const cancelledEnd = ({ cancellation }: Context, runningUntil?: number): End => ({
  outcome: cancellation.reason,
  at: cancellation.at,
  runningUntil,
})

/** The same end, for which outer policies keep no permit. */
export const released = ({ outcome, at }: End): End => ({ outcome, at })

/** The operation. */
export const operation: Part = (world, at, context) => {
  if (context.cancellation.at <= at) return cancelledEnd(context)
  world.calls += 1
  const { outcome, afterMs } = world.script(world.calls)
  const end: End = { outcome, at: at + afterMs }
  if (!isCancelled(context, end)) return end
  if (world.manner === 'obeys its signal') return cancelledEnd(context)
  world.hadLateWork = true
  return cancelledEnd(context, end.at)
}

/** The end of a call that a policy refuses. */
export function refuse(world: World, at: number): End {
  world.emit('rejected')
  return { outcome: 'refused', at }
}
