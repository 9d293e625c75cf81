// The script that the dashboard is compared with: every two seconds it reads the whole file into rows and counts them.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

const path = process.argv[2] ?? ''
while (true) {
  const started = performance.now()
  const rows: Record<string, unknown>[] = []
  for await (const line of createInterface({ input: createReadStream(path) })) {
    try {
      rows.push(JSON.parse(line) as Record<string, unknown>)
    } catch {
      // Ignore an unfinished line at the end of the file.
    }
  }
  const requests = rows.length
  const errors = rows.filter((row) => Number(row['status_code']) >= 500).length
  const mean = rows.reduce((sum, row) => sum + Number(row['latency_ms']), 0) / requests
  process.stdout.write(`${JSON.stringify({ requests, errors, mean, ms: performance.now() - started })}\n`)
  await delay(2_000)
}
