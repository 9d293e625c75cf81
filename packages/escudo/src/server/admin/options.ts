import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { checkContract } from '../contract-option.ts'
import { isValidHost } from '../host.ts'

/** Who acts, for the log. */
export interface Operator {
  /** The name of the operator or the program: 1 to 200 characters. */
  readonly actor: string
}

/** Options of `adminRoutes`. `Request` is the request of the framework. */
export interface AdminRoutesOptions<Request> {
  /** The service's error contract. Its catalogue may replace the errors of the routes: see `docs/levers.md`. */
  readonly contract: ErrorContract
  /**
   * Decides about each request, before its body is read. May be asynchronous.
   *
   * It returns the operator, or undefined for a client that is not authenticated: 401 `UNAUTHORIZED`. For any other answer
   * it throws an error of the service, such as a 403.
   */
  readonly authorize: (request: Request) => Operator | undefined | PromiseLike<Operator | undefined>
  /**
   * The host names under which clients reach the service, with or without a port: `['shop.internal']`.
   *
   * Addresses and `localhost` are always known. A request to any other name is refused, because a page in a browser can
   * reach a service under the name of another site (DNS rebinding). Default: none.
   */
  readonly hosts?: readonly string[]
  /** The name of a security scheme of the OpenAPI document. Documents only. */
  readonly security?: string
  /** The groups that the OpenAPI document lists the routes under. */
  readonly tags?: readonly string[]
}

const PATH = 'adminRoutes'
const HOSTS_MAX = 100

/**
 * Checks the options of `adminRoutes`.
 *
 * @returns the hosts in lower case
 * @throws ConfigurationError for an invalid option, and without `authorize`
 */
export function checkAdminOptions<Request>(options: AdminRoutesOptions<Request>): readonly string[] {
  knownKeys(options, PATH, ['contract', 'authorize', 'hosts', 'security', 'tags'])
  const { contract, authorize, hosts = [], security, tags = [] } = options
  checkContract(contract, `${PATH}.contract`)
  if (typeof authorize !== 'function') {
    throw new ConfigurationError(
      `${PATH}.authorize`,
      `expected a function that returns { actor }, got ${show(authorize)}: without it, every client could act`,
    )
  }
  // A pattern would be compared as a name.
  const isHost = (host: unknown): boolean => typeof host === 'string' && isValidHost(host) && !host.includes('*')
  if (!Array.isArray(hosts) || hosts.length > HOSTS_MAX || !hosts.every(isHost)) {
    throw new ConfigurationError(
      `${PATH}.hosts`,
      `expected host names without patterns, such as shop.internal, got ${show(hosts)}`,
    )
  }
  if (security !== undefined && typeof security !== 'string') {
    throw new ConfigurationError(`${PATH}.security`, `expected text, got ${show(security)}`)
  }
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) {
    throw new ConfigurationError(`${PATH}.tags`, `expected an array of strings, got ${show(tags)}`)
  }
  return hosts.map((host) => host.toLowerCase())
}
