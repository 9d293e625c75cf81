// Reads a log as the dashboard does, and prints time, processor time and memory.
import { readFile } from 'node:fs/promises'
import { keepHeapSmall } from '../../packages/dashboard/src/heap-limits.ts'
import { LogFiles } from '../../packages/dashboard/src/journal/log-files.ts'
import { ScanPool } from '../../packages/dashboard/src/journal/scan-pool.ts'
import { summarize } from '../../packages/dashboard/src/report/summary.ts'

// As the dashboard does.
keepHeapSmall()
const [, , path = '', threads = '0'] = process.argv
const before = process.cpuUsage()
const started = performance.now()
const files = new LogFiles([path], undefined, Date.now, (journal) => new ScanPool(journal, { size: Number(threads) }))
await files.readAll()
const { user, system } = process.cpuUsage(before)
const wallMs = performance.now() - started
const { requests, latency_ms } = summarize(files)
await files.end()
const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
const peakMb = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1_024
process.stdout.write(`${JSON.stringify({ wallMs, cpuMs: (user + system) / 1_000, requests, latency_ms, peakMb })}\n`)
