import { ports } from '../process/known-settings.ts'
import type { Setting, Values } from '../process/settings.ts'

const CALLS_MAX = 100_000
const INTERVAL_MS_MAX = 3_600_000
const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

const url: Setting<string | undefined> = {
  flag: 'url',
  env: 'ESCUDO_ATTACK_URL',
  fallback: undefined,
  help: `the URL to call, by default /call-external of the shop on this machine (${ports.shop.env})`,
  takes: 'an http URL of this machine, such as http://localhost:8000/call-external',
  parse: loopbackUrl,
}

const calls: Setting<number> = {
  flag: 'calls',
  env: 'ESCUDO_ATTACK_CALLS',
  fallback: 20,
  help: 'the number of calls',
  takes: `a whole number, 1 to ${CALLS_MAX}`,
  parse: (text) => within(/^\d{1,6}$/.test(text) ? Number(text) : Number.NaN, 1, CALLS_MAX),
}

const intervalMs: Setting<number> = {
  flag: 'interval',
  env: 'ESCUDO_ATTACK_INTERVAL',
  fallback: 500,
  help: 'the time between the starts of two calls; a slower call delays the next one',
  takes: "a duration up to an hour: '250ms', '2s', '1m', or a number of milliseconds",
  parse: (text) => within(durationMs(text), 0, INTERVAL_MS_MAX),
}

/** The settings of the attack. */
export const attackSettings = { url, calls, intervalMs, shopPort: ports.shop } as const

/** The values of {@link attackSettings}. */
export type AttackValues = Values<typeof attackSettings>

/** The URL to call: the given one, or the shop on this machine. */
export function targetOf({ url, shopPort }: Pick<AttackValues, 'url' | 'shopPort'>): string {
  return url ?? `http://localhost:${shopPort}/call-external`
}

/**
 * Accepts loopback URLs only, so that the attack cannot be pointed at other machines. A URL without a path means
 * `/call-external`.
 */
function loopbackUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const target = new URL(text)
  const { protocol, hostname, username, password } = target
  if (protocol !== 'http:' || username !== '' || password !== '') return undefined
  // The URL parser has already normalised forms such as 0x7f.1 and 2130706433.
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
  if (!isLoopback) return undefined
  if (target.pathname === '/' && target.search === '') target.pathname = '/call-external'
  return target.href
}

function durationMs(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text)
  return match === null ? Number.NaN : Number(match[1]) * (MS_PER_UNIT[match[2] ?? 'ms'] ?? Number.NaN)
}

function within(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined
}
