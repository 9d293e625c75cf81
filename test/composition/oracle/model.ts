// What a call through any policies in any order comes to, and when: said by the rules of the documentation, one small
// function for each policy, without promises, timers or signals. Time is a number that is handed on.

/** What a call, or a part of it, comes to. */
export type Outcome = 'value' | 'down' | 'business' | 'refused' | 'fallback' | 'timeout' | 'deadline' | 'gone' | 'lost'

/** The end of a call or of a part of it. */
export interface End {
  readonly outcome: Outcome
  readonly at: number
  /** Until when work goes on that nobody waits for any longer, and whose place is held. */
  readonly heldUntil?: number | undefined
  /** The same where a policy in between has settled at the cut, so that the engine alone knows of it. */
  readonly lingersUntil?: number | undefined
}

/** What cuts a part of a call short, and when. */
export interface Cut {
  readonly at: number
  readonly reason: Outcome
  readonly by: 'caller' | 'escudo'
}

/** What a part of a call gets from what stands around it. */
export interface Context {
  readonly cut: Cut
  /** The instant that `call.deadline` tells. */
  readonly deadline: number
}

/** What the operation does when it is called for the nth time: its outcome, after so long. */
export type Script = (n: number) => {
  readonly outcome: 'value' | 'down' | 'business' | 'refused'
  readonly afterMs: number
}

/** What the operation makes of the abort of its signal. */
export type Manner = 'deaf' | 'attentive'

/** All that has happened, in all calls. */
export class World {
  calls = 0
  readonly script: Script
  readonly manner: Manner
  /** The name of the policy that refuses everything. */
  readonly refusing: string | undefined
  /** The counters of each policy, as its status shows them. */
  readonly counters = new Map<string, Record<string, number>>()
  readonly events: Record<string, number> = {}
  /** The places of limits that work holds which nobody waits for any longer. */
  readonly held: { readonly name: string; readonly until: number }[] = []
  /** Whether work went on that nobody waited for any longer. */
  hadLateWork = false
  /** What policies remember from call to call, by name. */
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

  /** A place of a limit is taken for as long as the work goes on. */
  hold(name: string, until: number | undefined): void {
    if (until !== undefined) this.held.push({ name, until })
  }

  tell(event: string): void {
    this.events[event] = (this.events[event] ?? 0) + 1
  }
}

/** Some part of a call: what stands inside of a policy, or the operation itself. */
export type Part = (world: World, at: number, context: Context) => End

export const isCut = ({ cut }: Context, { at }: End): boolean => cut.at <= at
export const hasAnswer = ({ outcome }: End): boolean => outcome === 'value' || outcome === 'fallback'
export const isFailure = ({ outcome }: End): boolean =>
  outcome === 'down' || outcome === 'timeout' || outcome === 'deadline'

/** What a policy makes of the end of what stands inside of it. */
export function verdictOn(end: End, context: Context): 'success' | 'failure' | 'ignored' {
  if (isCut(context, end)) return context.cut.by === 'caller' ? 'ignored' : 'failure'
  if (hasAnswer(end)) return 'success'
  return isFailure(end) ? 'failure' : 'ignored'
}

/** The call ends now because it was cut. */
export const cutEnd = ({ cut }: Context, heldUntil?: number): End => ({ outcome: cut.reason, at: cut.at, heldUntil })

/** The same end, with nothing that anybody further out would hold a place for. */
export const released = ({ outcome, at }: End): End => ({ outcome, at })

/** The operation. */
export const operation: Part = (world, at, context) => {
  if (context.cut.at <= at) return cutEnd(context)
  world.calls += 1
  const { outcome, afterMs } = world.script(world.calls)
  const end: End = { outcome, at: at + afterMs }
  if (!isCut(context, end)) return end
  if (world.manner === 'attentive') return cutEnd(context)
  world.hadLateWork = true
  return cutEnd(context, end.at)
}

/** A policy that refuses whatever comes. */
export function refuse(world: World, at: number): End {
  world.tell('rejected')
  return { outcome: 'refused', at }
}
