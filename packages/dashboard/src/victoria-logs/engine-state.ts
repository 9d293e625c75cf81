import type { EngineJson } from '../report/engine-json.ts'
import type { EngineClient } from './engine-client.ts'
import { EngineError } from './engine-error.ts'

/** Tells whether the engine answers, and with all its lines. */
export class EngineState {
  readonly #client: EngineClient
  readonly #clock: () => number
  /** The version, once it is known. */
  version: string | undefined
  /** Whether the kinds of requests were too many in the last answer. */
  isFolded = false
  #state: EngineJson['state'] = 'whole'
  #since: number | undefined
  #message: string | undefined
  /** When the last answer came. */
  answeredAt: number | undefined

  constructor(client: EngineClient, clock: () => number) {
    this.#client = client
    this.#clock = clock
  }

  /** Records an answer. */
  answered(): void {
    this.answeredAt = this.#clock()
    this.#change(this.#client.missing.length > 0 ? 'partial' : 'whole', undefined)
  }

  /**
   * Records that there is no answer.
   *
   * @throws the error, if it is none of an engine
   */
  failed(error: unknown): void {
    if (!(error instanceof EngineError)) throw error
    this.#change('unreachable', error.message)
  }

  get json(): EngineJson {
    return {
      name: 'VictoriaLogs',
      url: this.#client.shown,
      version: this.version ?? null,
      state: this.#state,
      since: this.#since === undefined ? null : new Date(this.#since).toISOString(),
      missing: this.#client.missing,
      message: this.#message ?? null,
      is_folded: this.isFolded,
    }
  }

  #change(state: EngineJson['state'], message: string | undefined): void {
    this.#message = message
    if (state === this.#state) return
    this.#state = state
    this.#since = state === 'whole' ? undefined : this.#clock()
  }
}
