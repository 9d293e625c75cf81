import { numberOf } from './log-fields.ts'

/** What the numbers of a numeric level mean. */
export type LevelScale = 'pino' | 'syslog' | 'otlp' | 'python'

const CANONICAL: Readonly<Record<string, string>> = {
  trace: 'debug',
  verbose: 'debug',
  fine: 'debug',
  finer: 'debug',
  finest: 'debug',
  silly: 'debug',
  dbg: 'debug',
  d: 'debug',
  information: 'info',
  informational: 'info',
  inf: 'info',
  notice: 'info',
  i: 'info',
  warn: 'warning',
  wrn: 'warning',
  w: 'warning',
  err: 'error',
  severe: 'error',
  e: 'error',
  fatal: 'critical',
  crit: 'critical',
  alert: 'critical',
  emerg: 'critical',
  emergency: 'critical',
  panic: 'critical',
  dpanic: 'critical',
  f: 'critical',
}

/** The lowest number of critical, error, warning and info on each scale. */
const SCALES: Readonly<Record<Exclude<LevelScale, 'syslog'>, readonly [number, number, number, number]>> = {
  pino: [60, 50, 40, 30],
  otlp: [21, 17, 13, 9],
  python: [50, 40, 30, 20],
}

/**
 * Returns the canonical name of a level: `debug`, `info`, `warning`, `error`, `critical`, or another one in lower case.
 *
 * Without a scale, a number up to 7 is a level of syslog and a larger one of pino.
 */
export function levelOf(value: unknown, scale?: LevelScale): string | undefined {
  const number = numberOf(value)
  if (number !== undefined) return ofNumber(number, scale ?? (number <= 7 ? 'syslog' : 'pino'))
  if (typeof value !== 'string' || value === '') return undefined
  // Most logs already write the canonical name.
  if (value === 'info' || value === 'error' || value === 'warning') return value
  // slog writes levels between two names as `ERROR+2`.
  const name = value
    .trim()
    .toLowerCase()
    .replace(/[+-]\d+$/, '')
  return (Object.hasOwn(CANONICAL, name) ? CANONICAL[name] : undefined) ?? name
}

function ofNumber(value: number, scale: LevelScale): string {
  if (scale === 'syslog') {
    if (value <= 2) return 'critical'
    if (value <= 3) return 'error'
    if (value <= 4) return 'warning'
    return value <= 6 ? 'info' : 'debug'
  }
  const [critical, error, warning, info] = SCALES[scale]
  if (value >= critical) return 'critical'
  if (value >= error) return 'error'
  if (value >= warning) return 'warning'
  return value >= info ? 'info' : 'debug'
}
