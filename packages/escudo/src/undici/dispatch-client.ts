import type { Dispatcher } from 'undici'
import type { CommonSettings } from '../http/common-settings.ts'
import type { UndiciAnswer } from './options.ts'

/** The origin of a request. */
export interface KnownOrigin {
  readonly origin: string
}

// A Pool of undici 7 knows its origin and does not tell it.
const UNKNOWN: KnownOrigin = { origin: '' }

/** What all calls through one dispatcher share. */
export class DispatchClient {
  readonly settings: CommonSettings<UndiciAnswer>
  readonly dispatch: Dispatcher.Dispatch
  /**
   * Whether the dispatcher follows redirects itself, out of reach of this client. Undefined until a request has shown it:
   * nothing else tells.
   */
  followsRedirects: boolean | undefined
  /**
   * Whether a request whose body is a stream is not retried: its failed response reaches the caller. If not, the retry
   * rejects with BodyNotReplayableError. `fetch` makes a stream of every body, so its caller could not send another one.
   */
  readonly sendsStreamsOnce: boolean
  #lastOrigin: unknown
  #known: KnownOrigin = UNKNOWN

  constructor(
    settings: CommonSettings<UndiciAnswer>,
    dispatch: Dispatcher.Dispatch,
    followsRedirects: boolean | undefined,
    sendsStreamsOnce: boolean,
  ) {
    this.settings = settings
    this.dispatch = dispatch
    this.followsRedirects = followsRedirects
    this.sendsStreamsOnce = sendsStreamsOnce
  }

  /** @throws TypeError for an origin that is no URL */
  originOf(given: string | URL | undefined): KnownOrigin {
    if (given === undefined) return UNKNOWN
    const text = typeof given === 'string' ? given : given.origin
    // Most clients have one origin. To parse it for each call costs more than the policies.
    if (text !== this.#lastOrigin) {
      const { origin } = new URL(text)
      this.#known = { origin }
      this.#lastOrigin = text
    }
    return this.#known
  }
}
