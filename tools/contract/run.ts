// `npm run contract`: checks the rows of the contract against a running shop.
import { HELP, readCommand, WrongUsage } from './command-line.ts'
import { allRows } from './rows/index.ts'
import { selected } from './rows/selection.ts'
import { CannotWalk } from './shop/cannot-walk.ts'
import { givenShop } from './shop/given-shop.ts'
import { startOwnShop } from './shop/own-shop.ts'
import { closingLine, exitCodeOf, jsonReport, rowLines, totalsOf } from './walk/report.ts'
import { walkRows } from './walk/runner.ts'

/** Wrong usage: the same command would fail again. */
const EXIT_MISUSE = 2
const EXIT_INTERRUPTED = 130
const WALK_MS_MAX = 90_000

// If the reader closes the pipe (`npm run contract | head`), the shop must still be stopped.
const stop = new AbortController()
process.stdout.on('error', () => stop.abort('the output was closed'))
process.stderr.on('error', () => {})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    process.exitCode = EXIT_INTERRUPTED
    stop.abort('stopped by a signal')
  })
}

try {
  await main()
} catch (error) {
  const known = error instanceof WrongUsage || error instanceof CannotWalk
  process.stderr.write(`contract: ${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode ||= error instanceof WrongUsage ? EXIT_MISUSE : 1
}

async function main(): Promise<void> {
  const command = readCommand(process.argv.slice(2), process.env)
  if (command.kind === 'help') {
    process.stdout.write(HELP)
    return
  }
  const rows = selected(allRows, command.rows)
  const { given, json } = command
  const target = given === undefined ? await startOwnShop(stop.signal) : await givenShop(given.ports, given.logFolder)
  const limit = setTimeout(() => stop.abort(`the time limit of ${WALK_MS_MAX / 1_000} s has passed`), WALK_MS_MAX)
  try {
    const onResult = json
      ? () => {}
      : (result: Parameters<typeof rowLines>[0]) => void process.stdout.write(rowLines(result))
    const results = await walkRows(rows, target, { signal: stop.signal, onResult })
    process.stdout.write(json ? jsonReport(results) : closingLine(totalsOf(results)))
    process.exitCode ||= exitCodeOf(results)
  } finally {
    clearTimeout(limit)
    await target.own?.stop()
    await target.own?.remove()
  }
}
