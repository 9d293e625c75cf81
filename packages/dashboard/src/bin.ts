#!/usr/bin/env node
// Runs the dashboard: `npx @escudo/dashboard [--port 8501] [--once --json] FILE…`.
import type { Server } from 'node:http'
import { openBrowser, shouldOpenBrowser } from './browser.ts'
import { StateCache } from './cache/state-cache.ts'
import {
  type Command,
  HELP,
  type LiveCommand,
  type OnceCommand,
  PORT_VARIABLE,
  type ReportCommand,
  readCommand,
} from './command-line.ts'
import { keepHeapSmall } from './heap-limits.ts'
import { LogFiles } from './journal/log-files.ts'
import { healthOf } from './report/health.ts'
import { summarize } from './report/summary.ts'
import { PAGE_FOLDER } from './server/assets.ts'
import { createIntakeServer, type IntakeAddress, LINES_PATH, OTLP_PATH } from './server/intake/intake-server.ts'
import { createDashboard } from './server/server.ts'
import { UsageError } from './usage-error.ts'
import type { EngineAddress } from './victoria-logs/engine-client.ts'

const portRemedy = `set ${PORT_VARIABLE} (or --port)`
/** Exit code for wrong arguments: a retry with the same ones cannot succeed. */
const EXIT_MISUSE = 2

keepHeapSmall()

// A closed pipe (`… --once --json | head`) must not print a stack trace.
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
  else if (command.kind === 'once') await once(command)
  else if (command.kind === 'report') await report(command)
  else await live(command)
}

async function once(command: OnceCommand): Promise<void> {
  if (command.engine !== undefined) {
    const { printEngine } = await import('./victoria-logs/print-engine.ts')
    await printEngine(command.engine, command)
    return
  }
  const files = await readToEnd(command)
  const health = healthOf(files, files.journal.clock(), command.thresholds)
  process.stdout.write(`${JSON.stringify({ ...summarize(files), health })}\n`)
}

async function report(command: ReportCommand): Promise<void> {
  // Imported only here: its texts are not needed otherwise.
  const { writeReport } = await import('./export/write-report.ts')
  const files = await readToEnd(command)
  try {
    await writeReport(files, command)
  } catch (error) {
    throw new UsageError(`cannot write ${command.report}: ${(error as Error).message}`)
  }
  process.stdout.write(`dashboard: wrote ${command.report}\n`)
}

async function readToEnd({ files: paths, declared, thresholds }: Omit<OnceCommand, 'kind'>): Promise<LogFiles> {
  const files = new LogFiles(paths, declared)
  files.judgeBy(thresholds)
  await files.readAll()
  const missing = files.all.find(({ tail }) => tail.state === 'waiting' || tail.state === 'unreadable')
  const [unread = missing?.tail.path] = files.empty
  if (unread !== undefined) throw new UsageError(`cannot read ${unread}`)
  for (const { path, note } of files.crowded) process.stderr.write(`dashboard: ${path}: ${note}\n`)
  await files.end()
  return files
}

async function live(command: LiveCommand): Promise<void> {
  const { port, files: paths, declared, engine, intake, mayOpen, thresholds } = command
  if (engine !== undefined) {
    await showEngine(engine, command)
    return
  }
  const files = new LogFiles(paths, declared)
  const server = await createDashboard(files, port, PAGE_FOLDER, thresholds)
  const cache = cacheOf(files, command)
  await cache?.restore()
  await listen(server, port, '127.0.0.1', portRemedy)
  if (intake !== undefined) {
    await takeLines(files, intake).catch((error: unknown) => {
      // A server that listens would keep the process alive.
      server.close()
      throw error
    })
  }
  announce(port, mayOpen, () => cache?.end())
  void files.firstRead.then(() => reportMissing(files))
  await files.follow(() => cache?.store() ?? Promise.resolve())
}

function announce(port: number, mayOpen: boolean, atEnd?: () => unknown): void {
  const url = `http://localhost:${port}`
  process.stdout.write(`dashboard: ${url}\n`)
  exitWithSupervisor(atEnd)
  if (mayOpen && shouldOpenBrowser(process)) openBrowser(url)
}

async function showEngine(
  address: EngineAddress,
  { port, declared, mayOpen, thresholds }: Pick<LiveCommand, 'port' | 'declared' | 'mayOpen' | 'thresholds'>,
): Promise<void> {
  const { VictoriaLogs } = await import('./victoria-logs/victoria-logs.ts')
  const engine = new VictoriaLogs(address, declared)
  await engine.connect().catch((error: Error) => {
    throw new UsageError(error.message)
  })
  await listen(await createDashboard(engine, port, PAGE_FOLDER, thresholds), port, '127.0.0.1', portRemedy)
  announce(port, mayOpen)
}

function cacheOf(files: LogFiles, { files: paths, declared, cache, thresholds }: LiveCommand): StateCache | undefined {
  if (cache === undefined) return undefined
  const { folder, isNamed } = cache
  const report = (problem: string): void => {
    process.stdout.write(`dashboard: ${problem}\n`)
  }
  return new StateCache(files, { folder, paths, declared, thresholds, ...(isNamed ? { bytesMin: 0 } : {}), report })
}

async function takeLines(files: LogFiles, address: IntakeAddress): Promise<void> {
  const { host, port } = address
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`
  await listen(createIntakeServer(files.addIntake(`intake ${at}`), address), port, host, 'set --intake')
  process.stdout.write(`dashboard: takes lines at http://${at}${LINES_PATH} and ${OTLP_PATH}\n`)
}

async function listen(server: Server, port: number, host: string, remedy: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `port ${port} is taken; ${remedy} to use another port`
      reject(new UsageError(error.code === 'EADDRINUSE' ? taken : `cannot listen on port ${port}: ${error.message}`))
    })
    server.listen(port, host, resolve)
  })
}

/** Reports missing files on the terminal. Otherwise a misspelt name would wait forever without a hint. */
function reportMissing(files: LogFiles): void {
  if (process.connected !== undefined) return
  for (const path of files.empty) process.stdout.write(`dashboard: waiting for files in ${path}: there are none yet\n`)
  for (const { path, note } of files.crowded) process.stdout.write(`dashboard: ${path}: ${note}\n`)
  for (const { tail } of files.all) {
    if (tail.state === 'waiting') process.stdout.write(`dashboard: waiting for ${tail.path}: it is not there yet\n`)
    if (tail.state === 'unreadable') process.stdout.write(`dashboard: ${tail.path} cannot be read; it is tried again\n`)
  }
}

/** Exits on any signal and when the parent process exits. Immediate, since no work can be lost but what `end` stores. */
function exitWithSupervisor(end: () => unknown = () => {}): void {
  const exit = (): void => {
    end()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, exit)
  process.once('disconnect', exit)
  // The channel may have closed before the listener was added.
  if (process.connected === false) exit()
}
