const EVERY_MS = 5_000

let toldAtMs = Number.NEGATIVE_INFINITY

/** Tells on the standard error what is done: in one line that changes on a terminal, now and then a line elsewhere. */
export const progress: { tell(step: string): void; end(): void } = {
  tell(step) {
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\u001b[K${step}`)
      return
    }
    const now = performance.now()
    if (now - toldAtMs < EVERY_MS) return
    toldAtMs = now
    process.stderr.write(`bench: ${step}\n`)
  },
  end() {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  },
}
