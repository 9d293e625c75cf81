import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LogFiles } from '../../packages/dashboard/src/journal/log-files.ts'
import { readTrace } from '../../packages/dashboard/src/report/read-trace.ts'
import { UsageError } from '../command-line.ts'
import { progress } from '../progress.ts'
import { type DashboardFigures, dashboardGoals, medianOf } from './goals.ts'
import { measureAppends } from './live.ts'
import { latencyOf, traceOf, writeAccessLog, writeLog } from './log.ts'
import { measureDashboard, measureRestart } from './measure.ts'
import { isInstalled, measureGoaccess, measureJq } from './others.ts'
import { builtIngest, builtProgram } from './program.ts'
import { measureRotation } from './rotation.ts'
import { measureSearch, type Searched } from './search.ts'

const USAGE = `Usage: npm run bench -- dashboard [--lines N,…] [--rounds N] [--huge]

  --lines N,…  lines of the log, 10000 to 100000000 (default 1000000); ten million need 4 GB in the temporary folder
  --rounds N   how often each program reads it, 1 to 50 (default 3)
  --huge       a log of 30 GB instead, read once, without jq and goaccess; needs the disk
  --help       print this text`
/** 30 GB. */
const HUGE_LINES = 106_000_000
const TRACE_FILES = 20
const TRACE_LINES = 5_000
const TRACES = 100

interface Ingested {
  readonly wallMs: number
  readonly cpuMs: number
  readonly requests: number
  readonly peakMb: number
  readonly latency_ms: { readonly p50: number; readonly p95: number; readonly p99: number }
}

/** `npm run bench -- dashboard`: the dashboard's goals, beside jq and goaccess in the same run. */
export async function main(args: readonly string[]): Promise<void> {
  const { counts, rounds, isHuge } = optionsOf(args)
  if (counts.length === 0) {
    console.log(USAGE)
    return
  }
  const folder = await mkdtemp(join(tmpdir(), 'escudo-bench-'))
  try {
    console.log(`Node ${process.versions.node}, ${cpus()[0]?.model} (${cpus().length} cores), load ${loadavg()[0]}`)
    progress.show('builds the program')
    const programs = { program: await builtProgram(folder), reader: await builtIngest(folder) }
    for (const lines of counts) await measureAll(folder, programs, lines, rounds, !isHuge)
  } finally {
    progress.end()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Options {
  /** The lines of each log; none for the usage. */
  readonly counts: readonly number[]
  readonly rounds: number
  readonly isHuge: boolean
}

function optionsOf(args: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        lines: { type: 'string', default: '1000000' },
        rounds: { type: 'string', default: '3' },
        huge: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return { counts: [], rounds: 0, isHuge: false }
    if (values.huge) return { counts: [HUGE_LINES], rounds: 1, isHuge: true }
    const counts = values.lines.split(',').map(Number)
    if (counts.some((count) => !Number.isInteger(count) || count < 10_000 || count > 100_000_000))
      throw new UsageError('--lines takes integers from 10000 to 100000000, separated by commas')
    const rounds = Number(values.rounds)
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50) throw new UsageError('--rounds takes 1 to 50')
    return { counts, rounds, isHuge: false }
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message)
  }
}

async function measureAll(
  folder: string,
  { program, reader }: { readonly program: string; readonly reader: string },
  lines: number,
  rounds: number,
  withOthers: boolean,
): Promise<void> {
  const [path, accessPath] = [join(folder, 'shop.jsonl'), join(folder, 'access.log')]
  const [hasJq, hasGoaccess] = [withOthers && isInstalled('jq'), withOthers && isInstalled('goaccess')]
  progress.show('writes the logs')
  await writeLog(path, lines)
  if (hasGoaccess) await writeAccessLog(accessPath, lines)
  const [alone, threaded, jqCpuMs, goaccessCpuMs]: [Ingested[], Ingested[], number[], number[]] = [[], [], [], []]
  for (let round = 1; round <= rounds; round += 1) {
    progress.show(`round ${round} of ${rounds}`)
    alone.push(await ingest(reader, path, lines, 0))
    if (hasJq) jqCpuMs.push(await measureJq(path))
    threaded.push(await ingest(reader, path, lines, 1))
    if (hasGoaccess) goaccessCpuMs.push(await measureGoaccess(accessPath))
  }
  progress.show('serves the page')
  const { size } = await stat(path)
  let searched: Searched | undefined
  const cache = join(folder, 'cache')
  const onRead = async (port: number): Promise<void> => {
    progress.show('searches')
    searched = await measureSearch(port)
  }
  const served = await measureDashboard(path, lines, { program, cache, onRead })
  const restartMs = await measureRestart(path, lines + 1, program, cache)
  await rm(cache, { recursive: true })
  progress.show('appends lines, and renames a log')
  const figures: DashboardFigures = {
    lines,
    aloneCpuMs: alone.map(({ cpuMs }) => cpuMs),
    threadedMs: threaded.map(({ wallMs }) => wallMs),
    peakMb: [...alone, ...threaded].map(({ peakMb }) => peakMb).concat(served.peakMb ?? []),
    jqCpuMs,
    goaccessCpuMs,
    firstMs: served.firstMs,
    restartMs,
    appendedMs: served.appendedMs,
    pageP99Ms: await measureAppends(join(folder, 'live.jsonl'), program),
    searched,
    rotated: await measureRotation(join(folder, 'rotated')),
    traceP99Ms: await measureTraces(join(folder, 'traces')),
    percentileError: alone[0] === undefined ? undefined : errorOf(alone[0], lines),
  }
  await rm(path)
  await rm(accessPath, { force: true })
  progress.end()
  console.log(`\n${lines.toLocaleString('en-US')} lines, ${(size / 1e6).toFixed(0)} MB, ${rounds} rounds; medians\n`)
  console.log('| what | goal | measured | |\n| --- | --- | --- | --- |')
  for (const { what, goal, shown, verdict } of dashboardGoals(figures))
    console.log(`| ${what} | ${goal} | ${shown ?? '—'} | ${verdict} |`)
  const seconds = (name: string, all: readonly number[]): string => {
    const median = medianOf(all)
    if (median === undefined) return `${name}: not installed`
    const spread = `${(Math.min(...all) / 1_000).toFixed(2)} to ${(Math.max(...all) / 1_000).toFixed(2)}`
    return `${name}: ${(median / 1_000).toFixed(2)} s (${spread})`
  }
  const threadedCpu = threaded.map(({ cpuMs }) => cpuMs)
  console.log(
    `\nprocessor time. ${[
      seconds('one thread', figures.aloneCpuMs),
      seconds('two threads', threadedCpu),
      seconds('jq', jqCpuMs),
      seconds('goaccess', goaccessCpuMs),
    ].join('; ')}`,
  )
}

/** Reads the log in a new process with so many threads beside the main one. */
async function ingest(reader: string, path: string, lines: number, threads: number): Promise<Ingested> {
  const child = spawn(process.execPath, [reader, path, `${threads}`], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  await new Promise((resolve) => child.once('close', resolve))
  const result = JSON.parse(text) as Ingested
  if (result.requests !== lines) throw new Error(`${result.requests} requests were counted instead of ${lines}`)
  return result
}

/** The 99th percentile of the time in which all lines of a trace are read from 20 files. */
async function measureTraces(folder: string): Promise<number | undefined> {
  await mkdir(folder)
  const paths = Array.from({ length: TRACE_FILES }, (_, number) => join(folder, `s${number}.jsonl`))
  for (const path of paths) await writeLog(path, TRACE_LINES)
  const files = new LogFiles(paths)
  await files.readAll()
  const times: number[] = []
  for (let number = 0; number < TRACES; number += 1) {
    const started = performance.now()
    await readTrace(files, traceOf(Math.floor((number / TRACES) * TRACE_LINES)))
    times.push(performance.now() - started)
  }
  await files.end()
  await rm(folder, { recursive: true })
  return times.toSorted((a, b) => a - b)[Math.ceil(TRACES * 0.99) - 1]
}

/** The largest relative error of the percentiles of a log. */
function errorOf({ latency_ms }: Ingested, lines: number): number {
  const exact = Float64Array.from({ length: lines }, (_, number) => latencyOf(number)).sort()
  const errors = [
    [latency_ms.p50, 0.5],
    [latency_ms.p95, 0.95],
    [latency_ms.p99, 0.99],
  ].map(([value = 0, share = 0]) => {
    const wanted = exact[Math.ceil(share * lines) - 1] ?? 0
    return Math.abs(value - wanted) / wanted
  })
  return Math.max(...errors)
}
