#!/usr/bin/env node
// The dashboard as a program: `npm run dashboard -- [--port 8501] [--once --json] FILE…`.
import { setFlagsFromString } from 'node:v8'
import { openBrowser, opensBrowser } from './browser.ts'
import { type Command, HELP, type LiveCommand, PORT_VARIABLE, readCommand, UsageError } from './command-line.ts'
import { LogFiles } from './journal/log-files.ts'
import { summarize } from './report/summary.ts'
import { createDashboard } from './server/server.ts'

/** Started wrongly: the same again cannot help. */
const EXIT_MISUSE = 2

// What reading a log leaves behind dies young. Left alone, the engine answers a long log with a nursery many times as
// large, which costs memory and gains nothing here.
setFlagsFromString('--semi-space-growth-factor=1')

// A reader that goes away (`… --once --json | head`) must not end in a stack.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

try {
  await run(readCommand(process.argv.slice(2), process.env))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`dashboard: ${error.message}\n`)
  process.exitCode = EXIT_MISUSE
}

async function run(command: Command): Promise<void> {
  if (command.kind === 'help') process.stdout.write(HELP)
  else if (command.kind === 'once') await once(command.files)
  else await live(command)
}

async function once(paths: readonly string[]): Promise<void> {
  const files = new LogFiles(paths)
  await files.poll()
  while (await files.backfill());
  const missing = files.all.find(({ tail }) => tail.state !== 'reading')
  if (missing !== undefined) throw new UsageError(`cannot read ${missing.tail.path}`)
  await files.end()
  process.stdout.write(`${JSON.stringify(summarize(files))}\n`)
}

async function live({ port, files: paths, mayOpen }: LiveCommand): Promise<void> {
  const files = new LogFiles(paths)
  const server = await createDashboard(files, port)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `port ${port} is taken; set ${PORT_VARIABLE} (or --port) to move it`
      reject(new UsageError(error.code === 'EADDRINUSE' ? taken : `cannot listen on port ${port}: ${error.message}`))
    })
    server.listen(port, '127.0.0.1', resolve)
  })
  const url = `http://localhost:${port}`
  process.stdout.write(`dashboard: ${url}\n`)
  endWithSupervisor()
  if (mayOpen && opensBrowser(process)) openBrowser(url)
  void files.firstRead.then(() => tellMissing(files))
  await files.follow()
}

/** Waiting is right, but a misspelt name waits for ever: who stands at the terminal is told. */
function tellMissing(files: LogFiles): void {
  if (process.connected !== undefined) return
  for (const { tail } of files.all) {
    if (tail.state === 'waiting') process.stdout.write(`dashboard: waiting for ${tail.path}: it is not there yet\n`)
    if (tail.state === 'unreadable') process.stdout.write(`dashboard: ${tail.path} cannot be read; trying again\n`)
  }
}

/** Nothing is in flight that could be lost: every signal, and the end of whoever started it, ends it at once. */
function endWithSupervisor(): void {
  const end = (): void => process.exit(0)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end)
  process.once('disconnect', end)
  // The channel may have closed before anybody listened.
  if (process.connected === false) end()
}
