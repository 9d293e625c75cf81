import { setTimeout as delay } from 'node:timers/promises'
import type { Shield } from 'escudo'
import type { Fault, FaultOf } from '../../../examples/recipes/src/fault.ts'

/** One call under load: the meaning of each failed attempt, and the result. */
export interface RecordedCall {
  readonly id: string
  readonly faults: Fault[]
  attempts: number
  succeeded: boolean
}

/** Calls a dependency through a shield again and again, and records every attempt. */
export class Load {
  readonly calls: RecordedCall[] = []
  readonly unclassified: unknown[] = []
  readonly #faultOf: FaultOf
  readonly #workers: Promise<void>[] = []
  #isRunning = true

  constructor(faultOf: FaultOf) {
    this.#faultOf = faultOf
  }

  /** Starts concurrent callers. Each makes its next call a few milliseconds after the previous one has ended. */
  add(workers: number, shield: Shield, operation: (id: string) => Promise<unknown>): void {
    for (let worker = 0; worker < workers; worker += 1) this.#workers.push(this.#work(shield, operation))
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    await Promise.all(this.#workers)
  }

  async #work(shield: Shield, operation: (id: string) => Promise<unknown>): Promise<void> {
    while (this.#isRunning) {
      const call: RecordedCall = { id: crypto.randomUUID(), faults: [], attempts: 0, succeeded: false }
      this.calls.push(call)
      await shield
        .run(() => this.#attempt(call, operation))
        .then(
          () => {
            call.succeeded = true
          },
          () => {},
        )
      await delay(3)
    }
  }

  async #attempt(call: RecordedCall, operation: (id: string) => Promise<unknown>): Promise<void> {
    call.attempts += 1
    try {
      await operation(call.id)
    } catch (error) {
      const fault = this.#faultOf(error)
      call.faults.push(fault)
      // During an outage, everything must be one of the two.
      if (fault !== 'transient' && fault !== 'unknown') this.unclassified.push(error)
      throw error
    }
  }
}
