// A thread that scans like the real one, and exits when it gets its third block.
import { parentPort } from 'node:worker_threads'

let blocks = 0
parentPort?.on('message', () => {
  blocks += 1
  if (blocks === 3) process.exit(1)
})
await import('../../lines/scan/scan-worker.ts')
