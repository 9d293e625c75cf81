import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../core/options/durations.ts'
import { finiteNumber, knownKeys, oneOf, wholeNumber } from '../../core/options/options.ts'

/** What goes wrong. Several together: the delay first, then the error, else the status, whose body may break as well. */
export interface Fault {
  /** How long nothing happens first. */
  readonly latencyMs?: number
  /** How much longer or shorter than `latencyMs` it may take; never below 0. */
  readonly jitterMs?: number
  /** The status of the answer; what should have answered is not asked. */
  readonly status?: number
  /** No answer: the connection refused, reset before an answer, the host not found, the time run out. */
  readonly error?: 'refused' | 'reset' | 'dns' | 'timeout'
  /** An answer whose body ends too early, is no longer what it was, or never ends. */
  readonly body?: 'truncated' | 'corrupt' | 'stall'
  /** How often at most. Default: always. */
  readonly times?: number
}

/** Which calls a fault hits. All that is given must fit; nothing given fits every call. */
export interface FaultMatch {
  /** The name that the wrapped operation, fetch or server was given. */
  readonly name?: string
  /** In any case of letters. */
  readonly method?: string
  /** Without the query; `*` stands for any run of characters. */
  readonly path?: string
  /** Only the nth of the calls that fit, from 1. */
  readonly nth?: number
  /** Only those after the first so many. */
  readonly after?: number
  /** Only that share of them, from 0 to 1. Default 1. */
  readonly rate?: number
}

/** One line of a plan: which calls, what goes wrong, and when. */
export interface FaultRule {
  readonly match?: FaultMatch
  readonly fault: Fault
  /** When it begins, from the moment that the plan is made. Default: at once. */
  readonly from?: Duration
  /** How long it lasts. Default: for ever. */
  readonly for?: Duration
  /** After which time it begins again, for faults that come and go; longer than `for`. */
  readonly every?: Duration
}

/** A rule as it was checked, its times in milliseconds. */
export interface CheckedRule {
  readonly match: FaultMatch
  readonly fault: Fault
  readonly fromMs: number
  readonly forMs: number
  readonly everyMs: number | undefined
}

const RULES_MAX = 1_000
const LONGEST_DELAY_MS = 3_600_000

/** @throws ConfigurationError with the path of what is wrong */
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
    throw new ConfigurationError(`${path}.every`, 'expected more than `for`, so that there is time without the fault')
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
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw new ConfigurationError(`${path}.${key}`, `expected text, got ${show(value)}`)
    }
  }
  if (match.nth !== undefined) wholeNumber(match.nth, `${path}.nth`, 1)
  if (match.after !== undefined) wholeNumber(match.after, `${path}.after`, 0)
  if (match.rate !== undefined) finiteNumber(match.rate, `${path}.rate`, 0, 1)
  return { ...match }
}

/**
 * Checks one fault.
 *
 * @param pathOf where a key stands, for the error: the same words travel in other spellings
 */
export function checkFault(fault: Fault, path: string, pathOf: (key: keyof Fault) => string): Fault {
  knownKeys(fault, path, ['latencyMs', 'jitterMs', 'status', 'error', 'body', 'times'])
  const { latencyMs, jitterMs, status, error, body, times } = fault
  if (latencyMs !== undefined) finiteNumber(latencyMs, pathOf('latencyMs'), 0, LONGEST_DELAY_MS)
  if (jitterMs !== undefined) finiteNumber(jitterMs, pathOf('jitterMs'), 0, LONGEST_DELAY_MS)
  if (status !== undefined) wholeNumber(status, pathOf('status'), 200, 599)
  if (error !== undefined) oneOf(error, pathOf('error'), ['refused', 'reset', 'dns', 'timeout'])
  if (body !== undefined) oneOf(body, pathOf('body'), ['truncated', 'corrupt', 'stall'])
  if (times !== undefined) wholeNumber(times, pathOf('times'), 1)
  if ([latencyMs, jitterMs, status, error, body].every((value) => value === undefined)) {
    throw new ConfigurationError(path, 'says nothing that goes wrong')
  }
  return { ...fault }
}
