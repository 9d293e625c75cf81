// `npm run bench`: escudo, its peers and a bare `await`, in one process and one run. See README.md beside this file.
import { parseArgs } from 'node:util'
import { breakerAndTimeout, refusals } from './cases/breaker-and-timeout.ts'
import { eachPolicy } from './cases/each-policy.ts'
import { fivePolicies } from './cases/five-policies.ts'
import { type Case, consumedResults, measure } from './harness.ts'
import { environment, table } from './report.ts'

const USAGE = `Usage: npm run bench -- [options]

  --rounds N    rounds a case, 30 to 1000 (default 40)
  --only TEXT   only groups whose name contains TEXT
  --json        one JSON document instead of the table
  --help        this text`

const ROUND_MS = 20

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '40' },
      only: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    return
  }
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 30 || rounds > 1_000) {
    throw new TypeError(`--rounds takes a whole number from 30 to 1000, got '${values.rounds}'`)
  }
  const all: readonly Case[] = [...fivePolicies, ...eachPolicy, ...breakerAndTimeout, ...(await refusals())]
  const cases = all.filter(({ group }) => group.includes(values.only))
  if (cases.length === 0) {
    throw new TypeError(
      `--only '${values.only}' fits no group; there are: ${[...new Set(all.map(({ group }) => group))].join('; ')}`,
    )
  }
  const onRound = (round: number): void => {
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1} of ${rounds} `)
  }
  const results = await measure(cases, { rounds, roundMs: ROUND_MS, onRound })
  for (const one of all) one.close?.()
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  const ran = environment()
  if (values.json) {
    console.log(JSON.stringify({ ...ran, rounds, roundMs: ROUND_MS, consumed: consumedResults(), results }, null, 2))
    return
  }
  const versions = Object.entries(ran.versions).map(([name, version]) => `${name} ${version}`)
  console.log(
    `Node ${ran.node}, ${ran.cpu} (${ran.cores} cores), ${versions.join(', ')}; ${rounds} rounds of ${ROUND_MS} ms a case.\n`,
  )
  console.log(table(results))
  console.log(`\n${consumedResults()} results consumed.`)
}

try {
  await main()
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
