import { LineScanner } from '../packages/dashboard/src/lines/scan/line-scanner.ts'
import { ScannedLines } from '../packages/dashboard/src/lines/scan/scanned-lines.ts'
import { Journal } from '../packages/dashboard/src/journal/journal.ts'
import { RowNames } from '../packages/dashboard/src/journal/row-names.ts'
import { RowCounter } from '../packages/dashboard/src/journal/row-counter.ts'
import { FileFacts } from '../packages/dashboard/src/journal/file-facts.ts'
import { LineReader } from '../packages/dashboard/src/lines/reader/line-reader.ts'
import { openSync, readSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
setFlagsFromString('--semi-space-growth-factor=1')
const fd = openSync(process.argv[2], 'r')
const scanner = new LineScanner(), lines = new ScannedLines(), journal = new Journal()
const names = new RowNames(journal, { services: scanner.names.services.texts, routes: scanner.names.routes.texts, instances: scanner.names.instances.texts })
const counter = new RowCounter(journal)
const source = { facts: new FileFacts(), service: 'x', tailReader: new LineReader(), isLive: true, place: undefined, hashes: new Set(), readText: () => {} }
const buffer = Buffer.allocUnsafe(1 << 20)
let read = 0, scan = 0, count = 0, rows = 0, trace = 0
const cpu = () => { const { user, system } = process.cpuUsage(); return user + system }
for (let at = 0; ; ) {
  const a = cpu()
  const n = readSync(fd, buffer, 0, buffer.length, at)
  if (n < 1000) break
  const to = buffer.lastIndexOf(10, n - 1)
  const b = cpu()
  for (let f = 0; f < to; ) {
    const c = cpu()
    const end = scanner.scan(buffer, f, to, lines)
    const d = cpu()
    counter.count(lines, names, buffer, f, end, source)
    rows += lines.count
    scan += d - c; count += cpu() - d
    f = end
  }
  const e = cpu()
  journal.traces.add({ isBackfilling: false }, at, at + to, source.hashes); source.hashes = new Set()
  trace += cpu() - e
  read += b - a
  at += to + 1
}
console.log({ rows, readNs: read * 1e3 / rows, scanNs: scan * 1e3 / rows, countNs: count * 1e3 / rows, traceNs: trace * 1e3 / rows })
