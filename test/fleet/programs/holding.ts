import { setTimeout as pause } from 'node:timers/promises'
import { bulkhead, shield } from 'escudo'
import type { Fleet } from 'escudo/redis'

const CALL_MS_MIN = 50
const CALL_MS_MAX = 150
const KEEP_MS = 20

/**
 * Calls through two shared bulkheads all the time, one of them exact, with as many calls at once as there are permits.
 *
 * A call works only after the test has heard of it, and gives its permit back only after the test has heard of that. So
 * the test never counts more calls than there are permits in use.
 */
export class Holding {
  /** While true, calls that have a permit keep it. */
  keeps: boolean
  readonly #heard = new Map<number, () => void>()
  #told = 0

  constructor(shared: Fleet, permits: number, keeps: boolean) {
    this.keeps = keeps
    for (const exact of [false, true]) {
      const name = exact ? 'exact' : 'held'
      const options = { limit: permits, queue: permits, exact, onLoss: 'closed' } as const
      const reports = shield(`${name} permits`, bulkhead({ ...options, shared }))
      let running = 0
      const work = async (): Promise<void> => {
        running += 1
        await this.#tell(name, running)
        await pause(CALL_MS_MIN + Math.random() * (CALL_MS_MAX - CALL_MS_MIN))
        while (this.keeps) await pause(KEEP_MS)
        running -= 1
        await this.#tell(name, running)
      }
      const repeat = async (): Promise<void> => {
        while (true) await reports.run(work).catch(() => pause(KEEP_MS))
      }
      for (let count = 0; count < permits; count += 1) void repeat()
    }
  }

  /** The test has heard of a change. */
  heard(told: number): void {
    this.#heard.get(told)?.()
    this.#heard.delete(told)
  }

  #tell(name: string, holders: number): Promise<void> {
    this.#told += 1
    const told = this.#told
    process.send?.({ bulkhead: name, holders, told })
    return new Promise((resolve) => this.#heard.set(told, resolve))
  }
}
