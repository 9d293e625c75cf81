import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../core/options/durations.ts'
import { finiteNumber, knownKeys, nonEmptyText, oneOf, wholeNumber } from '../../core/options/options.ts'

/**
 * What goes wrong.
 *
 * The delay comes first, then the error; without an error, the status. `body` also breaks the body of the response with
 * that status.
 */
export interface Fault {
  /** The delay before the call, in milliseconds. At most one hour. */
  readonly latencyMs?: number
  /** The maximum random deviation from `latencyMs`, in milliseconds. The delay is never below 0. */
  readonly jitterMs?: number
  /** The status of the response, 200 to 599. The wrapped operation, `fetch` or handler is not called. */
  readonly status?: number
  /** No response: the connection is refused or reset, the host is not found, or the connection times out. */
  readonly error?: 'refused' | 'reset' | 'dns' | 'timeout'
  /** The response body ends too early, is not valid JSON, or never ends. */
  readonly body?: 'truncated' | 'corrupt' | 'stall'
  /** The maximum number of calls that meet the fault. Default: no limit. */
  readonly times?: number
}

/** Selects the calls that meet a fault. All given conditions must hold; without conditions, every call is selected. */
export interface FaultMatch {
  /** The name of the wrapped operation, `fetch` or server. */
  readonly name?: string
  /** The HTTP method, case-insensitive. */
  readonly method?: string
  /** The path without the query. `*` matches any number of characters. */
  readonly path?: string
  /** Only the nth call that matches `name`, `method` and `path`, counted from 1. */
  readonly nth?: number
  /** Only calls after the first `after` matching ones. */
  readonly after?: number
  /** Only this share of the matching calls, from 0 to 1. Default 1. */
  readonly rate?: number
}

/** One rule of a plan: which calls, what goes wrong, and when. */
export interface FaultRule {
  readonly match?: FaultMatch
  readonly fault: Fault
  /** When the fault starts, measured from the moment the plan is set. Default: immediately. */
  readonly from?: Duration
  /** How long the fault lasts. Default: forever. */
  readonly for?: Duration
  /** The period after which the fault starts again, from start to start. Longer than `for`. Default: never. */
  readonly every?: Duration
}

/** A validated rule, with times in milliseconds. */
export interface CheckedRule {
  readonly match: FaultMatch
  readonly fault: Fault
  readonly fromMs: number
  readonly forMs: number
  readonly everyMs: number | undefined
}

const RULES_MAX = 1_000
const DELAY_MS_MAX = 3_600_000

/**
 * Validates a plan.
 *
 * @throws ConfigurationError with the path of the invalid value
 */
export function checkPlan(plan: readonly FaultRule[], path: string): readonly CheckedRule[] {
  if (!Array.isArray(plan) || plan.length > RULES_MAX) {
    throw new ConfigurationError(path, `expected an array of at most ${RULES_MAX} rules, got ${show(plan)}`)
  }
  return plan.map((rule: FaultRule, index) => checkRule(rule, `${path}[${index}]`))
}

function checkRule(rule: FaultRule, path: string): CheckedRule {
  knownKeys(rule, path, ['match', 'fault', 'from', 'for', 'every'])
  const forMs = rule.for === undefined ? Number.POSITIVE_INFINITY : toMs(rule.for, `${path}.for`, 1)
  const everyMs = rule.every === undefined ? undefined : toMs(rule.every, `${path}.every`, 1)
  if (everyMs !== undefined && everyMs <= forMs) {
    throw new ConfigurationError(
      `${path}.every`,
      'expected a duration longer than `for`: the fault must end before it starts again',
    )
  }
  return {
    match: checkMatch(rule.match ?? {}, `${path}.match`),
    fault: checkFault(rule.fault, `${path}.fault`, (key) => `${path}.fault.${key}`),
    fromMs: rule.from === undefined ? 0 : toMs(rule.from, `${path}.from`),
    forMs,
    everyMs,
  }
}

function checkMatch(match: FaultMatch, path: string): FaultMatch {
  knownKeys(match, path, ['name', 'method', 'path', 'nth', 'after', 'rate'])
  for (const key of ['name', 'method', 'path'] as const) {
    const value: unknown = match[key]
    if (value !== undefined) nonEmptyText(value, `${path}.${key}`)
  }
  if (match.nth !== undefined) wholeNumber(match.nth, `${path}.nth`, 1)
  if (match.after !== undefined) wholeNumber(match.after, `${path}.after`, 0)
  if (match.rate !== undefined) finiteNumber(match.rate, `${path}.rate`, 0, 1)
  return { ...match }
}

/**
 * Validates one fault.
 *
 * @param pathOf the path of a key in an error message; the fault switch spells the keys in snake_case
 * @throws ConfigurationError with the path of the invalid value
 */
export function checkFault(fault: Fault, path: string, pathOf: (key: keyof Fault) => string): Fault {
  const { latencyMs, jitterMs, status, error, body, times } = fault ?? {}
  if (latencyMs !== undefined) finiteNumber(latencyMs, pathOf('latencyMs'), 0, DELAY_MS_MAX)
  if (jitterMs !== undefined) finiteNumber(jitterMs, pathOf('jitterMs'), 0, DELAY_MS_MAX)
  if (status !== undefined) wholeNumber(status, pathOf('status'), 200, 599)
  if (error !== undefined) oneOf(error, pathOf('error'), ['refused', 'reset', 'dns', 'timeout'])
  if (body !== undefined) oneOf(body, pathOf('body'), ['truncated', 'corrupt', 'stall'])
  if (times !== undefined) wholeNumber(times, pathOf('times'), 1)
  // After the values: they have their own spelling in errors, and this names keys only.
  knownKeys(fault, path, ['latencyMs', 'jitterMs', 'status', 'error', 'body', 'times'])
  if ([latencyMs, jitterMs, status, error, body].every((value) => value === undefined)) {
    throw new ConfigurationError(path, 'expected at least one effect, such as a status')
  }
  return { ...fault }
}
