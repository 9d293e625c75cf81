import { type CancelTimer, systemClock } from '../core/clock.ts'
import { backgroundTimer } from '../policies/shared/background-timer.ts'
import { script } from './client.ts'
import type { Link } from './link.ts'
import { PRESENCE } from './scripts/presence.ts'
import { KnownInstances } from './state/known-instances.ts'

const SCRIPT = script(PRESENCE)
const BEAT_MS = 1_000
// While Redis does not answer: how soon it is known to be lost, and to be back.
const RETRY_MS = 250
const LIVES_MS = 3_000

/** Says each second that this instance lives, and knows how many do. */
export class Presence {
  readonly #link: Link
  readonly #key: string
  readonly #instance: string
  readonly #onBeat: () => void
  readonly #known = new KnownInstances(LIVES_MS)
  #cancelTimer: CancelTimer | undefined
  #hasStarted = false
  #hasStopped = false

  /** @param onBeat called each second */
  constructor(link: Link, key: string, instance: string, onBeat: () => void) {
    this.#link = link
    this.#key = key
    this.#instance = instance
    this.#onBeat = onBeat
  }

  /** The number of live instances, as last known. */
  get instances(): number {
    return this.#known.count
  }

  start(): void {
    if (this.#hasStarted) return
    this.#hasStarted = true
    this.#beat()
  }

  /** Asks now how many instances live. */
  async refresh(): Promise<void> {
    this.start()
    await this.#say(LIVES_MS)
  }

  async stop(): Promise<void> {
    this.#hasStopped = true
    this.#cancelTimer?.()
    if (this.#hasStarted) await this.#say(0)
  }

  #beat(): void {
    this.#onBeat()
    void this.#say(LIVES_MS).then((hasAnswered) => {
      if (this.#hasStopped) return
      this.#cancelTimer = backgroundTimer(systemClock, () => this.#beat(), hasAnswered ? BEAT_MS : RETRY_MS)
    })
  }

  /** Returns whether Redis has answered. */
  async #say(livesMs: number): Promise<boolean> {
    try {
      const count = Number(await this.#link.ask(SCRIPT, this.#key, [this.#instance, livesMs]))
      this.#known.answered(count, systemClock.now())
      return true
    } catch {
      this.#known.failed()
      return false
    }
  }
}
