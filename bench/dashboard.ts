// `npm run bench:dashboard` measures time and memory of the dashboard on large logs. For comparison it measures a script
// that reads the whole log again every two seconds. See README-dashboard.md.
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeLog } from './dashboard/log.ts'
import { type Measured, measureDashboard, measureReread } from './dashboard/measure.ts'

const { values } = parseArgs({ options: { lines: { type: 'string', default: '1000000' } } })
const counts = values.lines.split(',').map(Number)
if (counts.some((count) => !Number.isInteger(count) || count < 100_000 || count > 100_000_000)) {
  process.stderr.write('bench: --lines takes integers from 100000 to 100000000, separated by commas\n')
  process.exit(1)
}

const seconds = (ms: number | undefined): string => (ms === undefined ? '—' : `${(ms / 1_000).toFixed(2)} s`)
const megabytes = (mb: number | undefined): string => (mb === undefined ? '—' : `${mb.toFixed(0)} MB`)
const row = (name: string, measured: Measured): string =>
  `| ${name} | ${seconds(measured.firstMs)} | ${seconds(measured.allMs)} | ${seconds(measured.appendedMs)} | ${megabytes(measured.peakMb)} | ${megabytes(measured.afterMb)} | ${measured.requests} |`

process.stdout.write(`Node ${process.versions.node}, ${cpus()[0]?.model} (${cpus().length} cores)\n`)
const folder = await mkdtemp(join(tmpdir(), 'escudo-bench-'))
const peaks: number[] = []
try {
  for (const lines of counts) {
    const path = join(folder, 'shop.jsonl')
    await writeLog(path, lines)
    const { size } = await stat(path)
    process.stdout.write(`\n${lines} lines, ${(size / 1e6).toFixed(0)} MB\n\n`)
    process.stdout.write(
      '| | first figures | all lines | an appended line | memory, highest | memory, after | counted |\n',
    )
    process.stdout.write('|---|---|---|---|---|---|---|\n')
    const dashboard = await measureDashboard(path, lines)
    process.stdout.write(`${row('dashboard', dashboard)}\n`)
    const reread = await measureReread(path)
    process.stdout.write(`${row('reads again every 2 s', reread)}\n\n`)
    process.stdout.write(`dashboard: ${dashboard.remark}; rereading script: ${reread.remark}\n`)
    if (dashboard.peakMb !== undefined) peaks.push(dashboard.peakMb)
    await rm(path)
  }
  const [first, last] = [peaks[0], peaks.at(-1)]
  if (peaks.length > 1 && first !== undefined && last !== undefined) {
    process.stdout.write(
      `\nhighest memory of the last log compared with the first: ${(last / first).toFixed(2)} times\n`,
    )
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
