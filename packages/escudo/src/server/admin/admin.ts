import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import type { ShieldFacts } from '../../core/registry.ts'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { read } from '../../errors/safe-read.ts'
import { type JsonValue, toJson, truncate } from '../../errors/to-json.ts'
import { type ServerLogger, writeLine } from '../logger.ts'
import { type Effect, prepare } from './act.ts'
import { givenReason, namedAction, readCommand } from './command.ts'
import { adminError } from './errors.ts'
import { type AdminRoutesOptions, checkAdminOptions } from './options.ts'
import { isOwnOrigin, type RequestHeaders } from './origin.ts'
import { liveShields, shieldNamed, type Target } from './target.ts'

/** One authorized request that acts. */
export interface Attempt {
  readonly actor: string
  readonly target: Target
  readonly logger: ServerLogger
  /** Whether its line is written. */
  logged: boolean
}

type Outcome = 'done' | 'unchanged' | 'refused'

const ACTOR_LENGTH_MAX = 200
/** Longer than every name of a shield and of a policy. */
const NAME_LENGTH_MAX = 100
const SHIELDS_MAX = 1_000

/**
 * The part of the admin routes that is the same for every framework.
 *
 * For each request, an adapter calls {@link checkOrigin} and {@link actorOf} before it reads the body. A `GET` then calls
 * {@link list} or {@link show}. A `POST` calls {@link attempt}, then {@link act}; if anything else fails in between, such
 * as the parser of the body, it calls {@link refuse}.
 */
export class Admin<Request> {
  readonly #options: AdminRoutesOptions<Request>
  readonly #hosts: readonly string[]

  /** @throws ConfigurationError for an invalid option */
  constructor(options: AdminRoutesOptions<Request>) {
    this.#hosts = checkAdminOptions(options)
    this.#options = { ...options }
  }

  /** @throws CROSS_ORIGIN_REFUSED for a request that a page of another origin may have sent */
  checkOrigin(headers: RequestHeaders): void {
    if (!isOwnOrigin(headers, this.#hosts)) throw adminError(this.#options.contract, 'CROSS_ORIGIN_REFUSED')
  }

  /**
   * The operator of a request.
   *
   * @throws UNAUTHORIZED for an unknown client; what `authorize` threw; ConfigurationError if it returned no actor
   */
  async actorOf(request: Request): Promise<string> {
    const { authorize, contract } = this.#options
    const operator: unknown = await authorize(request)
    if (operator === undefined) {
      throw adminError(contract, 'UNAUTHORIZED', {}, { 'www-authenticate': 'Bearer' })
    }
    const actor = read(operator, 'actor')
    if (typeof actor === 'string' && actor !== '' && actor.length <= ACTOR_LENGTH_MAX) return actor
    throw new ConfigurationError(
      'adminRoutes.authorize',
      `expected { actor } with 1 to ${ACTOR_LENGTH_MAX} characters, or undefined, but it returned ${show(operator)}`,
    )
  }

  /** The status of every live shield. `total` is present if there are more than 1,000. */
  list(): JsonValue {
    const all = liveShields()
    const shields = all.slice(0, SHIELDS_MAX).map(statusOf)
    const { service } = this.#options.contract
    return all.length > SHIELDS_MAX ? { service, shields, total: all.length } : { service, shields }
  }

  /** @throws SHIELD_NOT_FOUND, SHIELD_AMBIGUOUS */
  show(shield: string): JsonValue {
    return statusOf(shieldNamed(shield, this.#options.contract))
  }

  /** Begins a request that acts. It ends with exactly one line `admin.action`. */
  attempt(actor: string, target: Target, logger: ServerLogger): Attempt {
    return { actor, target, logger, logged: false }
  }

  /**
   * Acts, and writes the line `admin.action`. Synchronous, so that requests at the same time act one after the other.
   *
   * @param body undefined for a request without one
   * @returns the answer
   * @throws the error that the client gets
   */
  act(attempt: Attempt, body: unknown): JsonValue {
    let effect: Effect = { before: null, after: null }
    try {
      if (body === undefined) throw new WellKnown.MALFORMED_JSON()
      const command = readCommand(body)
      const shield = shieldNamed(attempt.target.shield, this.#options.contract)
      const { before, apply } = prepare(command, shield, attempt.target.policy, this.#options.contract)
      effect = { before, after: before }
      effect = apply()
    } catch (error) {
      this.#log(attempt, body, 'refused', effect, error)
      throw error
    }
    const isSame = effect.isHidden !== true && JSON.stringify(effect.before) === JSON.stringify(effect.after)
    const outcome = isSame ? 'unchanged' : 'done'
    this.#log(attempt, body, outcome, effect)
    const { shield, policy } = attempt.target
    const { before, after } = effect
    const action = namedAction(body)
    return { shield, ...(policy === undefined ? {} : { policy }), action, outcome, before, after }
  }

  /** Writes the line of a request that failed outside {@link act}. */
  refuse(attempt: Attempt, error: unknown): void {
    this.#log(attempt, undefined, 'refused', { before: null, after: null }, error)
  }

  #log(attempt: Attempt, body: unknown, outcome: Outcome, { before, after }: Effect, error?: unknown): void {
    if (attempt.logged) return
    attempt.logged = true
    const { actor, target, logger } = attempt
    const code =
      outcome === 'refused' ? { error_code: this.#options.contract.translate(error, { traceId: '' }).code } : {}
    const shield = truncate(target.shield, NAME_LENGTH_MAX)
    const policy = target.policy === undefined ? null : truncate(target.policy, NAME_LENGTH_MAX)
    const action = namedAction(body)
    const line = { actor, action, shield, policy, reason: givenReason(body), outcome, before, after, ...code }
    writeLine(logger, 'warning', line, 'admin.action')
  }
}

/** The status of a shield. Code of a custom policy may throw: the other shields must still be shown. */
function statusOf({ name, shield }: ShieldFacts): JsonValue {
  try {
    return toJson(shield.status())
  } catch (error) {
    return { name, policies: [], error: `its status could not be read: ${String(read(error, 'name'))}` }
  }
}
