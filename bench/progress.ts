const EVERY_MS = 5_000

let printedAtMs = Number.NEGATIVE_INFINITY

/** Prints the current step to standard error: one changing line on a terminal, else a line every 5 s. */
export const progress: { show(step: string): void; end(): void } = {
  show(step) {
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\u001b[K${step}`)
      return
    }
    const now = performance.now()
    if (now - printedAtMs < EVERY_MS) return
    printedAtMs = now
    process.stderr.write(`bench: ${step}\n`)
  },
  end() {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  },
}
