// Reads blocks of a file and scans their lines, so that the main thread only counts them.
import { readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { LineScanner } from './line-scanner.ts'
import type { ScanJob, ScanResult, Slot } from './scan-messages.ts'
import type { NameList } from './scan-names.ts'
import { ScannedLines } from './scanned-lines.ts'

const scanner = new LineScanner()
const slots = (workerData as readonly Slot[]).map(({ bytes, rows }) => ({
  bytes: Buffer.from(bytes),
  lines: new ScannedLines(rows),
}))
const sent = { services: 0, routes: 0, instances: 0, codes: 0 }

parentPort?.on('message', (job: ScanJob) => parentPort?.postMessage(resultOf(job)))

function resultOf({ slot, fd, offset, length }: ScanJob): ScanResult {
  const memory = slots[slot]
  if (memory === undefined || !readAll(fd, memory.bytes, offset, length)) return { slot, count: -1, failures: 0, end: 0, ...added() }
  // The last byte is a newline.
  const end = scanner.scan(memory.bytes, 0, length - 1, memory.lines)
  return { slot, count: memory.lines.count, failures: memory.lines.failures.count, end, ...added() }
}

/** Whether all bytes were there. */
function readAll(fd: number, bytes: Buffer, offset: number, length: number): boolean {
  try {
    for (let read = 0; read < length; ) {
      const more = readSync(fd, bytes, read, length - read, offset + read)
      if (more === 0) return false
      read += more
    }
    return true
  } catch {
    return false
  }
}

function added(): Pick<ScanResult, 'services' | 'routes' | 'instances' | 'codes'> {
  const { services, routes, instances, codes } = scanner.names
  const since = (kind: keyof typeof sent, { texts }: NameList): readonly string[] => {
    const fresh = texts.length === sent[kind] ? [] : texts.slice(sent[kind])
    sent[kind] = texts.length
    return fresh
  }
  return {
    services: since('services', services),
    routes: since('routes', routes),
    instances: since('instances', instances),
    codes: since('codes', codes),
  }
}
