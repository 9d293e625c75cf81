// `npm run bench -- fleet`: shared rate limits and bulkheads over Redis, beside rate-limiter-flexible and a bare EVALSHA.
import { startRedis } from '../../test/fleet/helpers/redis.ts'
import { parsed, UsageError, wholeNumber } from '../command-line.ts'
import { described, environment } from '../environment.ts'
import { medianRatio, quantile } from '../statistics.ts'
import { table } from '../tables.ts'
import { type Measured, measure, shareOfQuestions } from './measure.ts'
import { measureKeys } from './memory.ts'

const USAGE = `Usage: npm run bench -- fleet [--rounds N] [--seconds N] [--keys N]

Starts a Redis on loopback and measures rate limits and bulkheads over it. The cases of a round run one after the other.

  --rounds N    rounds of each case, 1 to 1000 (default 30)
  --seconds N   seconds at 10,000 calls per second, 1 to 600 (default 5)
  --keys N      keys for the memory of a limit per key, 1000 to 10000000 (default 20000)
  --help        print this text`

/**
 * Prints a table of shared rate limits and bulkheads.
 *
 * @throws UsageError for a wrong option, and if Redis is not installed
 */
export async function main(args: readonly string[]): Promise<void> {
  const values = parsed(args, OPTIONS)
  if (values.help) {
    console.log(USAGE)
    return
  }
  const rounds = wholeNumber('--rounds', values.rounds, 1, 1_000)
  const seconds = wholeNumber('--seconds', values.seconds, 1, 600)
  const keys = wholeNumber('--keys', values.keys, 1_000, 10_000_000)
  const server = await startRedis()
  if (server === undefined) throw new UsageError('Redis is not installed')
  try {
    const all = await measure(server, rounds)
    const { local, shared } = await measureKeys(server, keys)
    const share = await shareOfQuestions(server, seconds)
    console.log(`${described(environment(['ioredis', 'rate-limiter-flexible']))}; ${rounds} rounds.\n`)
    console.log(fleetTable(all))
    console.log(
      `\nAt 10,000 calls per second, ${(share * 100).toFixed(2)} % of the calls reach Redis (goal: at most 1 %).`,
    )
    const more = Math.round(shared - local)
    console.log(`A key takes ${more} bytes more than a local one of ${Math.round(local)} (goal: at most 200 more).`)
  } finally {
    await server.remove()
  }
}

/** Renders the samples as a Markdown table. */
export function fleetTable(all: readonly Measured[]): string {
  const rows = all.map((measured) => {
    const { name, bases, p50Us, cpuUs } = measured
    const compared = bases.filter((base) => base !== name).map((base) => comparison(measured, all, base))
    return [name, compared.join(', '), p50Us.length > 0 ? spread(p50Us) : 'waits for nothing', spread(cpuUs)]
  })
  return table(['limit', 'compared', 'p50 in µs (quartiles)', 'µs of processor time (quartiles)'], rows, 2)
}

function comparison({ p50Us, cpuUs }: Measured, all: readonly Measured[], base: string): string {
  const other = all.find(({ name }) => name === base) as Measured
  return p50Us.length > 0
    ? `${medianRatio(p50Us, other.p50Us).toFixed(2)} × ${base}`
    : `${(quantile(cpuUs, 0.5) - quantile(other.cpuUs, 0.5)).toFixed(2)} µs more than one process`
}

function spread(samples: readonly number[]): string {
  const [low, median, high] = [0.25, 0.5, 0.75].map((q) => quantile(samples, q).toFixed(2))
  return `${median} (${low}–${high})`
}

const OPTIONS = {
  rounds: { type: 'string', default: '30' },
  seconds: { type: 'string', default: '5' },
  keys: { type: 'string', default: '20000' },
  help: { type: 'boolean', default: false },
} as const
