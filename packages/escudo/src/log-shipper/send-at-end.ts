import { spawnSync } from 'node:child_process'
import type { Batch } from './line-queue.ts'
import type { ShipperSettings } from './options.ts'

/** How long the end of the process waits for the engine. */
const TIMEOUT_MS = 2_000

// A signal of a terminal reaches this process too, and must not end it. Each batch that arrived is one character.
const SCRIPT = `
for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT']) try { process.on(signal, () => {}) } catch {}
const { url, headers, bodies, timeoutMs } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'))
const signal = AbortSignal.timeout(timeoutMs)
;(async () => {
  for (const body of bodies) {
    const { ok } = await fetch(url, { method: 'POST', headers, body, signal })
    if (!ok) break
    require('node:fs').writeSync(1, '.')
  }
})().catch(() => {}).then(() => process.exit())`

/**
 * Sends batches while the process ends, when no promise settles anymore. Another process sends them, and this one waits.
 *
 * @returns how many of the batches, from the first on, have arrived
 */
export function sendAtEnd(batches: readonly Batch[], { url, headers, body }: ShipperSettings): number {
  const input = JSON.stringify({
    url,
    headers: { ...headers, 'content-type': body.contentType },
    bodies: batches.map(({ lines }) => body.of(lines)),
    timeoutMs: TIMEOUT_MS,
  })
  // Without the options of this process, which may load its modules.
  const { NODE_OPTIONS: _, ...env } = process.env
  try {
    const { stdout } = spawnSync(process.execPath, ['-e', SCRIPT], {
      input,
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: TIMEOUT_MS + 1_000,
      windowsHide: true,
    })
    return stdout?.length ?? 0
  } catch {
    return 0
  }
}
